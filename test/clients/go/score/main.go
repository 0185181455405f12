// Scores a folder of JPEG files: score ADDRESS EPISODE_FOLDER
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"example/topreward"
)

func main() {
	address, folder := os.Args[1], os.Args[2]
	configuration := topreward.NewConfiguration()
	configuration.Servers = topreward.ServerConfigurations{{URL: address}}
	configuration.HTTPClient = &http.Client{Timeout: 130 * time.Second}
	client := topreward.NewAPIClient(configuration)
	ctx := context.Background()
	// Without a key, leave the token out: the service counts an empty one as a wrong key.
	if key := os.Getenv("TOPREWARD_API_KEY"); key != "" {
		ctx = context.WithValue(ctx, topreward.ContextAccessToken, key)
	}

	var recorded struct {
		Instruction string
		Fps         float64
	}
	text, err := os.ReadFile(filepath.Join(folder, "episode.json"))
	check(err)
	check(json.Unmarshal(text, &recorded))
	episode := topreward.NewEpisode(recorded.Instruction)
	episode.SetFps(recorded.Fps)
	request := topreward.NewRewardRequest(*episode)
	files, err := filepath.Glob(filepath.Join(folder, "*.jpg"))
	check(err)
	for _, file := range files {
		image, err := os.ReadFile(file)
		check(err)
		request.Frames = append(request.Frames, base64.StdEncoding.EncodeToString(image))
	}

	result, _, err := client.RewardsAPI.ScoreEpisode(ctx).RewardRequest(*request).Execute()
	var failure *topreward.GenericOpenAPIError
	if errors.As(err, &failure) {
		if problem, ok := failure.Model().(topreward.Problem); ok {
			log.Fatalf("%d %s: %s", problem.Status, problem.Code, problem.Detail)
		}
	}
	check(err)
	fmt.Printf("score %.4f\n", result.RewardResult.Score)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
