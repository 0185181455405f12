import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import topreward.ApiClient;
import topreward.ApiException;
import topreward.api.RewardsApi;
import topreward.model.Episode;
import topreward.model.Problem;
import topreward.model.RewardRequest;

/** Scores a folder of JPEG files: Score ADDRESS EPISODE_FOLDER */
public class Score {
  public static void main(String[] arguments) throws Exception {
    var client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    client.setReadTimeout(Duration.ofSeconds(130));
    var key = System.getenv("TOPREWARD_API_KEY");
    if (key != null && !key.isEmpty()) {
      client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + key));
    }

    var folder = Path.of(arguments[1]);
    var recorded = client.getObjectMapper().readTree(folder.resolve("episode.json").toFile());
    var episode = new Episode().instruction(recorded.get("instruction").asText()).fps(recorded.get("fps").asDouble());
    var request = new RewardRequest().episode(episode);
    try (var entries = Files.list(folder)) {
      for (var file : entries.filter(entry -> entry.toString().endsWith(".jpg")).sorted().toList()) {
        request.addFramesItem(Files.readAllBytes(file));
      }
    }

    try {
      System.out.printf("score %.4f%n", new RewardsApi(client).scoreEpisode(request).getRewardResult().getScore());
    } catch (ApiException failure) {
      if (failure.getCode() == 0) throw failure; // no response
      var problem = client.getObjectMapper().readValue(failure.getResponseBody(), Problem.class);
      System.err.printf("%d %s: %s%n", problem.getStatus(), problem.getCode(), problem.getDetail());
      System.exit(1);
    }
  }
}
