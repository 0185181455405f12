package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"example/topreward"
)

// postLines calls take with each line of a response as soon as it arrives. The generated operations cannot do this: they
// treat a response as one document. Event is BatchEvent or RewardEvent.
func postLines[Event any](ctx context.Context, client *topreward.APIClient, path string, content any, take func(Event)) error {
	body, err := json.Marshal(content)
	if err != nil {
		return err
	}
	configuration := client.GetConfig()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, configuration.Servers[0].URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/x-ndjson")
	addKey(ctx, request)
	response, err := configuration.HTTPClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	if response.StatusCode != http.StatusOK {
		var problem topreward.Problem
		if err := decoder.Decode(&problem); err != nil {
			return err
		}
		return fmt.Errorf("%d %s: %s", problem.Status, problem.Code, problem.Detail)
	}
	for decoder.More() {
		var event Event
		if err := decoder.Decode(&event); err != nil {
			return err
		}
		take(event)
	}
	return nil
}
