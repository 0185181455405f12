import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import topreward.ApiClient;
import topreward.ApiException;

/** Reads responses in lines. The generated operations cannot do this: they treat a response as one document. */
class Lines {
  /** @param kind type of each line: BatchEvent or RewardEvent */
  static <T> List<T> post(ApiClient client, String path, Object body, Class<T> kind) throws Exception {
    var mapper = client.getObjectMapper();
    var request = HttpRequest.newBuilder(URI.create(client.getBaseUri() + path))
        .header("Content-Type", "application/json")
        .header("Accept", "application/x-ndjson")
        .POST(HttpRequest.BodyPublishers.ofByteArray(mapper.writeValueAsBytes(body)));
    // It adds the API key.
    if (client.getRequestInterceptor() != null) client.getRequestInterceptor().accept(request);
    var response = client.getHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofLines());
    try (var lines = response.body()) {
      if (response.statusCode() != 200) {
        throw new ApiException(response.statusCode(), "refused", response.headers(), String.join("", lines.toList()));
      }
      var events = new ArrayList<T>();
      // Each line is read as soon as it arrives.
      for (var line : (Iterable<String>) lines::iterator) events.add(mapper.readValue(line, kind));
      return events;
    }
  }
}
