// Scores a recorded episode with the client that openapi-generator generates: usage ADDRESS EPISODE_FOLDER
package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"example/topreward"
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
	if key := os.Getenv("TOPREWARD_API_KEY"); key != "" {
		ctx = context.WithValue(ctx, topreward.ContextAccessToken, key)
	}

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
		image, err := os.ReadFile(file)
		check(err)
		request.Frames = append(request.Frames, base64.StdEncoding.EncodeToString(image))
	}
	result, _, err = client.RewardsAPI.ScoreEpisode(ctx).RewardRequest(*request).Execute()
	show("json", result, err)

	request.Episode = *topreward.NewEpisode(known.Instruction)
	result, _, err = client.RewardsAPI.ScoreEpisode(ctx).RewardRequest(*request).Execute()
	show("no clock", result, err)

	request.Episode = *episode
	prefixes := 0
	check(postLines(ctx, client, "/v1/rewards", request, func(event topreward.RewardEvent) {
		if event.PrefixEvent != nil {
			prefixes++
		}
		if event.ResultEvent != nil {
			show(fmt.Sprintf("lines: %d and", prefixes), &event.ResultEvent.Result, nil)
		}
	}))

	// The type of a result depends on the method of the request.
	likelihood := topreward.NewRewardRequest(*topreward.NewEpisode(known.Instruction))
	likelihood.Episode.SetFps(known.Fps)
	likelihood.Episode.SetMethod(topreward.METHODNAME_INSTRUCTION_LIKELIHOOD)
	likelihood.Frames = request.Frames
	prefixes = 0
	check(postLines(ctx, client, "/v1/rewards", likelihood, func(event topreward.RewardEvent) {
		if event.LikelihoodPrefixEvent != nil {
			prefixes++
		}
		if event.ResultEvent != nil {
			show(fmt.Sprintf("likelihood: %d and", prefixes), &event.ResultEvent.Result, nil)
		}
	}))
	gvl := topreward.NewRewardRequest(*topreward.NewEpisode(known.Instruction))
	gvl.Episode.SetFps(known.Fps)
	gvl.Episode.SetMethod(topreward.METHODNAME_GVL)
	gvl.Frames = request.Frames
	result, _, err = client.RewardsAPI.ScoreEpisode(ctx).RewardRequest(*gvl).Execute()
	show("gvl", result, err)

	clockless := topreward.NewRewardRequest(*topreward.NewEpisode(known.Instruction))
	clockless.Frames = request.Frames
	batch := topreward.NewBatchRequest([]topreward.RewardRequest{*request, *clockless, *likelihood, *gvl})
	shown := make([]func(), len(batch.Items))
	check(postLines(ctx, client, "/v1/rewards/batch", batch, func(event topreward.BatchEvent) {
		if done := event.BatchResultEvent; done != nil {
			shown[done.Index] = func() { show(fmt.Sprintf("batch %d", done.Index), &done.Result, nil) }
		}
		if refused := event.BatchProblemEvent; refused != nil {
			shown[refused.Index] = func() { showProblem(fmt.Sprintf("batch %d", refused.Index), refused.Problem) }
		}
		if end := event.BatchEndEvent; end != nil {
			for _, each := range shown {
				each()
			}
			fmt.Printf("batch: %d scored, %d failed\n", end.Scored, end.Failed)
		}
	}))

	// A real calibration uses scores of your own episodes: see docs/how-to/calibrate.md.
	var labelled []topreward.LabelledEpisode
	for _, step := range []float64{0.1, 0.2, 0.3, 0.4, 0.5} {
		success := topreward.NewLabelledEpisode(true, -step)
		success.SetLogProbRange(*topreward.NewScoredRange(-4, -step))
		labelled = append(labelled, *success, *topreward.NewLabelledEpisode(false, -3-step))
	}
	wanted := topreward.NewCalibrationRequest(labelled)
	wanted.SetModel(model.Model)
	calibration, _, err := client.CalibrationAPI.Calibrate(ctx).CalibrationRequest(*wanted).Execute()
	check(err)
	fmt.Printf("calibration: threshold %.4f, AUC %.4f\n", *calibration.Threshold.Get(), calibration.Auc.Get().Value)
	request.Episode = *topreward.NewEpisode(known.Instruction)
	request.Episode.SetFps(known.Fps)
	request.Episode.SetCalibration(*calibration)
	result, _, err = client.RewardsAPI.ScoreEpisode(ctx).RewardRequest(*request).Execute()
	show("calibrated", result, err)

	// A step of a growing episode names all frames and sends the newest one. If the service does not have the others, it lists them.
	growing := topreward.NewEpisode(known.Instruction)
	growing.SetFps(2)
	named := map[string]string{}
	for i, file := range files {
		image, err := os.ReadFile(file)
		check(err)
		sum := sha256.Sum256(image)
		digest := hex.EncodeToString(sum[:])
		growing.FrameDigests = append(growing.FrameDigests, digest)
		named[digest] = request.Frames[i]
	}
	step := topreward.NewRewardRequest(*growing)
	step.Frames = request.Frames[len(files)-1:]
	for attempt := 0; attempt < 4; attempt++ {
		result, _, err = client.RewardsAPI.ScoreEpisode(ctx).RewardRequest(*step).Execute()
		problem, ok := problemOf(err)
		if !ok || problem.Code != "frames-missing" {
			break
		}
		fmt.Printf("growing: %d %s, %d to send\n", problem.Status, problem.Code, len(problem.Missing))
		for _, digest := range problem.Missing {
			step.Frames = append(step.Frames, named[digest])
		}
	}
	show("growing", result, err)
}

func problemOf(err error) (topreward.Problem, bool) {
	var failure *topreward.GenericOpenAPIError
	if !errors.As(err, &failure) {
		return topreward.Problem{}, false
	}
	problem, ok := failure.Model().(topreward.Problem)
	return problem, ok
}

func showProblem(name string, problem topreward.Problem) {
	fmt.Printf("%s: %d %s: %s\n", name, problem.Status, problem.Code, problem.Detail)
}

func show(name string, result *topreward.EpisodeResult, err error) {
	if problem, ok := problemOf(err); ok {
		showProblem(name, problem)
		return
	}
	check(err)
	if reward := result.RewardResult; reward != nil {
		flag := "null"
		if success := reward.Success.Get(); success != nil {
			flag = fmt.Sprint(success.Flag)
		}
		fmt.Printf("%s: %d prefixes, score %.4f, success %s\n", name, len(reward.Prefixes), reward.Score, flag)
	}
	if likelihood := result.LikelihoodResult; likelihood != nil {
		tokens := len(likelihood.Provenance.InstructionTokens)
		fmt.Printf("%s: %d prefixes, score %.4f, %d tokens\n", name, len(likelihood.Prefixes), likelihood.Score, tokens)
	}
	if gvl := result.GvlResult; gvl != nil {
		known := 0
		for _, frame := range gvl.Frames {
			if frame.Percentage.Get() != nil {
				known++
			}
		}
		fmt.Printf("%s: %d of %d frames have a percentage\n", name, known, len(gvl.Frames))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
