// Scores a recorded episode with the client that openapi-generator makes: usage ADDRESS EPISODE_FOLDER
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"usage/topreward"
)

func main() {
	address, folder := os.Args[1], os.Args[2]
	var known struct {
		Instruction string
		Fps         float64
	}
	text, err := os.ReadFile(filepath.Join(folder, "episode.json"))
	check(err)
	check(json.Unmarshal(text, &known))
	files, err := filepath.Glob(filepath.Join(folder, "*.jpg"))
	check(err)

	configuration := topreward.NewConfiguration()
	configuration.Servers = topreward.ServerConfigurations{{URL: address}}
	client := topreward.NewAPIClient(configuration)
	ctx := context.Background()

	model, _, err := client.ServiceAPI.GetModel(ctx).Execute()
	check(err)
	fmt.Printf("model: %s, %d px, %s\n", model.Model, model.ReferenceFrame.Width, model.FrameSizes[0])

	episode := topreward.NewEpisode(known.Instruction)
	episode.SetFps(known.Fps)
	episode.SetPrefixes(topreward.PrefixSelection{Count: topreward.PtrInt64(15)})
	result, err := postForm(ctx, client, *episode, files)
	show("form", result, err)

	request := topreward.NewRewardRequest(*episode)
	for _, file := range files {
		picture, err := os.ReadFile(file)
		check(err)
		request.Frames = append(request.Frames, base64.StdEncoding.EncodeToString(picture))
	}
	result, _, err = client.RewardsAPI.ScoreEpisode(ctx).RewardRequest(*request).Execute()
	show("json", result, err)

	request.Episode = *topreward.NewEpisode(known.Instruction)
	result, _, err = client.RewardsAPI.ScoreEpisode(ctx).RewardRequest(*request).Execute()
	show("no clock", result, err)
}

func show(name string, result *topreward.RewardResult, err error) {
	var failure *topreward.GenericOpenAPIError
	if errors.As(err, &failure) {
		if problem, ok := failure.Model().(topreward.Problem); ok {
			fmt.Printf("%s: %d %s: %s\n", name, problem.Status, problem.Code, problem.Detail)
			return
		}
	}
	check(err)
	flag := "null"
	if success := result.Success.Get(); success != nil {
		flag = fmt.Sprint(success.Flag)
	}
	fmt.Printf("%s: %d prefixes, score %.4f, success %s\n", name, len(result.Prefixes), result.Score, flag)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
