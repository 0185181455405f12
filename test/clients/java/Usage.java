import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import topreward.ApiClient;
import topreward.ApiException;
import topreward.api.CalibrationApi;
import topreward.api.RewardsApi;
import topreward.api.ServiceApi;
import topreward.model.BatchEndEvent;
import topreward.model.BatchEvent;
import topreward.model.BatchProblemEvent;
import topreward.model.BatchRequest;
import topreward.model.BatchResultEvent;
import topreward.model.CalibrationRequest;
import topreward.model.Episode;
import topreward.model.EpisodeResult;
import topreward.model.GvlResult;
import topreward.model.LabelledEpisode;
import topreward.model.LikelihoodResult;
import topreward.model.MethodName;
import topreward.model.PrefixSelection;
import topreward.model.Problem;
import topreward.model.RewardEvent;
import topreward.model.RewardRequest;
import topreward.model.RewardResult;
import topreward.model.ScoredRange;

/** Scores a recorded episode with the client that openapi-generator generates: Usage ADDRESS EPISODE_FOLDER */
public class Usage {
  public static void main(String[] arguments) throws Exception {
    var client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    var key = System.getenv("TOPREWARD_API_KEY");
    if (key != null && !key.isEmpty()) {
      client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + key));
    }
    var folder = Path.of(arguments[1]);
    var known = client.getObjectMapper().readTree(folder.resolve("episode.json").toFile());
    List<Path> files;
    try (var entries = Files.list(folder)) {
      files = entries.filter(file -> file.toString().endsWith(".jpg")).sorted().toList();
    }

    var model = new ServiceApi(client).getModel();
    System.out.printf("model: %s, %d px, %s%n",
        model.getModel(), model.getReferenceFrame().getWidth(), model.getFrameSizes().get(0));

    var instruction = known.get("instruction").asText();
    var episode = new Episode().instruction(instruction).fps(known.get("fps").asDouble())
        .prefixes(new PrefixSelection().count(15L));
    show(client, "form", () -> Form.post(client, episode, files));

    var rewards = new RewardsApi(client);
    var request = new RewardRequest().episode(episode);
    for (var file : files) request.addFramesItem(Files.readAllBytes(file));
    show(client, "json", () -> rewards.scoreEpisode(request));

    request.episode(new Episode().instruction(instruction));
    show(client, "no clock", () -> rewards.scoreEpisode(request));

    request.episode(episode);
    var events = Lines.post(client, "/v1/rewards", request, RewardEvent.class);
    var last = events.remove(events.size() - 1).getResultEvent();
    show(client, "lines: %d and".formatted(events.size()), last::getResult);

    // The class of a result depends on the method of the request.
    var likelihood = new RewardRequest().frames(request.getFrames()).episode(new Episode()
        .instruction(instruction).fps(episode.getFps()).method(MethodName.INSTRUCTION_LIKELIHOOD));
    events = Lines.post(client, "/v1/rewards", likelihood, RewardEvent.class);
    last = events.remove(events.size() - 1).getResultEvent();
    for (var event : events) event.getLikelihoodPrefixEvent();
    show(client, "likelihood: %d and".formatted(events.size()), last::getResult);
    var gvl = new RewardRequest().frames(request.getFrames()).episode(new Episode()
        .instruction(instruction).fps(episode.getFps()).method(MethodName.GVL));
    show(client, "gvl", () -> rewards.scoreEpisode(gvl));

    var clockless = new RewardRequest().episode(new Episode().instruction(instruction)).frames(request.getFrames());
    var batch = new BatchRequest().items(List.of(request, clockless, likelihood, gvl));
    var shown = new TreeMap<Long, Call>();
    for (var event : Lines.post(client, "/v1/rewards/batch", batch, BatchEvent.class)) {
      if (event.getActualInstance() instanceof BatchResultEvent done) shown.put(done.getIndex(), done::getResult);
      if (event.getActualInstance() instanceof BatchProblemEvent refused) {
        shown.put(refused.getIndex(), () -> {
          throw new Refused(refused.getProblem());
        });
      }
      if (event.getActualInstance() instanceof BatchEndEvent end) {
        for (var each : shown.entrySet()) show(client, "batch " + each.getKey(), each.getValue());
        System.out.printf("batch: %d scored, %d failed%n", end.getScored(), end.getFailed());
      }
    }

    // A real calibration uses scores of your own episodes: see docs/how-to/calibrate.md.
    var labelled = new CalibrationRequest().model(model.getModel());
    for (double step : List.of(0.1, 0.2, 0.3, 0.4, 0.5)) {
      var range = new ScoredRange().min(-4.0).max(-step);
      labelled.addEpisodesItem(new LabelledEpisode().success(true).score(-step).logProbRange(range));
      labelled.addEpisodesItem(new LabelledEpisode().success(false).score(-3 - step));
    }
    var calibration = new CalibrationApi(client).calibrate(labelled);
    System.out.printf("calibration: threshold %.4f, AUC %.4f%n",
        calibration.getThreshold(), calibration.getAuc().getValue());
    request.episode(new Episode().instruction(instruction).fps(episode.getFps()).calibration(calibration));
    show(client, "calibrated", () -> rewards.scoreEpisode(request));

    // A step of a growing episode names all frames and sends the newest one. If the service does not have the others, it lists them.
    var growing = new Episode().instruction(instruction).fps(2.0);
    var frames = request.getFrames();
    for (var frame : frames) growing.addFrameDigestsItem(digest(frame));
    var step = new RewardRequest().episode(growing).addFramesItem(frames.get(frames.size() - 1));
    for (int attempt = 0; attempt < 4; attempt++) {
      try {
        var result = rewards.scoreEpisode(step);
        show(client, "growing", () -> result);
        break;
      } catch (ApiException failure) {
        if (failure.getCode() != 409) throw failure;
        var problem = client.getObjectMapper().readValue(failure.getResponseBody(), Problem.class);
        var missing = problem.getMissing();
        System.out.printf("growing: %d %s, %d to send%n", problem.getStatus(), problem.getCode(), missing.size());
        for (var frame : frames) if (missing.contains(digest(frame))) step.addFramesItem(frame);
      }
    }
  }

  static String digest(byte[] file) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(file));
  }

  /** A problem that a line contains. */
  static class Refused extends Exception {
    final Problem problem;

    Refused(Problem problem) {
      this.problem = problem;
    }
  }

  interface Call {
    EpisodeResult result() throws Exception;
  }

  static void show(ApiClient client, String name, Call call) throws Exception {
    try {
      var result = call.result().getActualInstance();
      if (result instanceof RewardResult reward) {
        var flag = reward.getSuccess() == null ? null : reward.getSuccess().getFlag();
        System.out.printf("%s: %d prefixes, score %.4f, success %s%n",
            name, reward.getPrefixes().size(), reward.getScore(), flag);
      } else if (result instanceof LikelihoodResult likelihood) {
        System.out.printf("%s: %d prefixes, score %.4f, %d tokens%n", name, likelihood.getPrefixes().size(),
            likelihood.getScore(), likelihood.getProvenance().getInstructionTokens().size());
      } else if (result instanceof GvlResult gvl) {
        var known = gvl.getFrames().stream().filter(frame -> frame.getPercentage() != null).count();
        System.out.printf("%s: %d of %d frames have a percentage%n", name, known, gvl.getFrames().size());
      }
    } catch (ApiException failure) {
      if (failure.getCode() == 0) throw failure; // no response
      var problem = client.getObjectMapper().readValue(failure.getResponseBody(), Problem.class);
      show(name, problem);
    } catch (Refused refused) {
      show(name, refused.problem);
    }
  }

  static void show(String name, Problem problem) {
    System.out.printf("%s: %d %s: %s%n", name, problem.getStatus(), problem.getCode(), problem.getDetail());
  }
}
