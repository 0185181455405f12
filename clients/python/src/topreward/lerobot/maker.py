"""What makes the numbers of a run. Those of two models never get together."""

from .._contract import GvlProvenance, LikelihoodProvenance, Model, PromptVariant, Provenance
from .failures import ServiceError

Settings = dict[str, str]


def maker_of(model: Model, prompt: PromptVariant = "open") -> Settings:
    """Return the model, the engine and the prompt layout of a service, by names that people read.

    :param model: the response of ``GET /v1/model``
    """
    return {
        "model": model["model"],
        "engine": f"{model['engine']['name']} {model['engine']['version']}",
        "prompt layout": model["prompts"][prompt]["layout"],
    }


def check_maker(settings: Settings, made: Provenance | LikelihoodProvenance | GvlProvenance) -> None:
    """Compare the provenance of a result with what the run began with.

    :raises ServiceError: if a result was made by another model or service than the run
    """
    now = {"model": made["model"], "engine": f"{made['engine']['name']} {made['engine']['version']}"}
    if "layout" in made:  # the prompt of GVL has none
        now["prompt layout"] = str(made.get("layout"))
    changed = differences({name: settings[name] for name in now}, now)
    if changed:
        raise ServiceError(f"The service has changed during the run: {'; '.join(changed)}.")


def differences(before: Settings, now: Settings) -> list[str]:
    """Return what is not the same, one line each."""
    return [
        f"{name}: {before.get(name)} before, {now.get(name)} now"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]
