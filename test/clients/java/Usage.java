import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import topreward.ApiClient;
import topreward.ApiException;
import topreward.api.RewardsApi;
import topreward.api.ServiceApi;
import topreward.model.Episode;
import topreward.model.PrefixSelection;
import topreward.model.Problem;
import topreward.model.RewardRequest;
import topreward.model.RewardResult;

/** Scores a recorded episode with the client that openapi-generator makes: Usage ADDRESS EPISODE_FOLDER */
public class Usage {
  public static void main(String[] arguments) throws Exception {
    var client = new ApiClient();
    client.updateBaseUri(arguments[0]);
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
  }

  interface Call {
    RewardResult answer() throws Exception;
  }

  static void show(ApiClient client, String name, Call call) throws Exception {
    try {
      var result = call.answer();
      var flag = result.getSuccess() == null ? null : result.getSuccess().getFlag();
      System.out.printf("%s: %d prefixes, score %.4f, success %s%n",
          name, result.getPrefixes().size(), result.getScore(), flag);
    } catch (ApiException failure) {
      if (failure.getCode() == 0) throw failure; // no answer at all
      var problem = client.getObjectMapper().readValue(failure.getResponseBody(), Problem.class);
      System.out.printf("%s: %d %s: %s%n", name, problem.getStatus(), problem.getCode(), problem.getDetail());
    }
  }
}
