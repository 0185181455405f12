import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import topreward.ApiClient;
import topreward.ApiException;
import topreward.model.Episode;
import topreward.model.EpisodeResult;

/**
 * Sends the files unchanged. Base64 would have a third more bytes. The generated operation accepts JSON only, because the
 * generator supports one body per operation. The form uses the same generated types.
 */
class Form {
  static EpisodeResult post(ApiClient client, Episode episode, List<Path> files) throws Exception {
    var boundary = UUID.randomUUID().toString();
    var body = new ByteArrayOutputStream();
    part(body, boundary, "name=\"episode\"", client.getObjectMapper().writeValueAsBytes(episode));
    for (var file : files) {
      part(body, boundary, "name=\"frames\"; filename=\"%s\"".formatted(file.getFileName()), Files.readAllBytes(file));
    }
    body.write("--%s--\r\n".formatted(boundary).getBytes(StandardCharsets.UTF_8));
    var request = HttpRequest.newBuilder(URI.create(client.getBaseUri() + "/v1/rewards"))
        .header("Content-Type", "multipart/form-data; boundary=" + boundary)
        .POST(HttpRequest.BodyPublishers.ofByteArray(body.toByteArray()));
    // It adds the API key.
    if (client.getRequestInterceptor() != null) client.getRequestInterceptor().accept(request);
    var response = client.getHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new ApiException(response.statusCode(), "refused", response.headers(), response.body());
    }
    return client.getObjectMapper().readValue(response.body(), EpisodeResult.class);
  }

  private static void part(ByteArrayOutputStream body, String boundary, String name, byte[] content) throws Exception {
    var head = "--%s\r\nContent-Disposition: form-data; %s\r\n\r\n".formatted(boundary, name);
    body.write(head.getBytes(StandardCharsets.UTF_8));
    body.write(content);
    body.write("\r\n".getBytes(StandardCharsets.UTF_8));
  }
}
