"""What makes the numbers of a run. Those of two models never get together."""

from .._contract import EngineVersion, GvlProvenance, LikelihoodProvenance, Model, PromptVariant, Provenance, ServiceVersion
from .failures import ServiceError

Settings = dict[str, str]


def maker_of(model: Model, prompt: PromptVariant = "open") -> Settings:
    """Return the model, its profile, the engine, the prompt layout and the version of a service, by names that people read.

    :param model: the response of ``GET /v1/model``
    """
    return {
        "model": model["model"],
        "profile": model["profile"]["name"],
        "engine": named(model["engine"]),
        "prompt layout": model["prompts"][prompt]["layout"],
        "service": named(model["service"]),
    }


def check_maker(settings: Settings, made: Provenance | LikelihoodProvenance | GvlProvenance) -> None:
    """Compare the provenance of a result with what the run began with.

    :raises ServiceError: if a result was made by another model or service than the run
    """
    now = {
        "model": made["model"],
        "profile": made["profile"]["name"],
        "engine": named(made["engine"]),
        "service": named(made["service"]),
    }
    if "layout" in made:  # the prompt of GVL has none
        now["prompt layout"] = str(made.get("layout"))
    changed = differences({name: settings[name] for name in now}, now)
    if changed:
        raise ServiceError(f"The service has changed during the run: {'; '.join(changed)}.")


def named(program: EngineVersion | ServiceVersion) -> str:
    """Return the name and the version of an engine or a service, for people."""
    return f"{program['name']} {program['version']}"


def differences(before: Settings, now: Settings) -> list[str]:
    """Return what is not the same, one line each."""
    return [
        f"{name}: {before.get(name)} before, {now.get(name)} now"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]
