"""Types of the contract. ``generate.sh`` writes this file from openapi.yaml: do not edit it."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

from typing_extensions import NotRequired


class AnswerTokens(TypedDict):
    """
    A text of the answers, and its tokens.
    """

    text: str
    """
    The text.
    """
    ids: list[int]
    """
    Ids of its tokens in the vocabulary, in order.
    """


class AucEstimate(TypedDict):
    """
    How well the scores divide successes from failures. 0.5 is guessing. The interval is Newcombe’s method 5: the variance of Hanley and McNeil, solved for the true value.
    """

    value: float
    """
    Area under the ROC curve: the probability that a success scores higher than a failure, ties counted as one half.
    """
    low: float
    """
    Lower end of the 95 % confidence interval.
    """
    high: float
    """
    Upper end of the 95 % confidence interval.
    """


BoundsSource: TypeAlias = Literal["request", "calibration"]
"""
Which part of the request has these bounds: `progress.bounds` or `calibration.bounds`.
"""


class CalibrationBounds(TypedDict):
    """
    A fixed scale for progress on the `curve` of a calibration. They are above 0 only with the curve `corrected` or for log odds.
    """

    low: float
    """
    Value that counts as no progress, in nats.
    """
    high: float
    """
    Value that counts as full progress, in nats. It is above `low`.
    """


class CalibrationCounts(TypedDict):
    """
    How many episodes the calibration was made from.
    """

    episodes: int
    """
    All episodes.
    """
    successes: int
    """
    Episodes with the label success.
    """
    failures: int
    """
    Episodes with the label failure.
    """
    ranges: int
    """
    Successes with a `log_prob_range`. The bounds are made from them.
    """


class CloningWeightOptions(TypedDict):
    """
    The paper’s weights for behaviour cloning: clip(τ·exp(Δ), 0, δmax), with Δ the progress from one prefix to the next.
    """

    tau: NotRequired[float]
    """
    Factor τ.
    """
    delta_max: NotRequired[float]
    """
    Largest weight δmax.
    """


class CloningWeights(TypedDict):
    """
    Weights for behaviour cloning, with the options that were used.
    """

    tau: float
    """
    Factor τ.
    """
    delta_max: float
    """
    Largest weight δmax.
    """
    per_step: list[float]
    """
    Entry i is the weight from prefixes[i] to prefixes[i + 1]. There is one entry fewer than prefixes.
    """


class ControlCurve(TypedDict):
    """
    The curve of a control, with the prefixes of the episode.
    """

    log_prob_true: list[float]
    """
    Log probability of True for each prefix, in the order of `prefixes`, in nats.
    """
    rewards: list[float]
    """
    Reward of each prefix: `log_prob_true`, unless `answers.reward` says otherwise, in nats.
    """
    span: float
    """
    Largest − smallest value of `rewards`, in nats.
    """
    voc: float | None
    prompt_tokens: int
    """
    Part of `usage.prompt_tokens` that this control took.
    """
    cached_tokens: int | None


class ControlOptions(TypedDict):
    """
    Controls to score with the episode: what would the model say if nothing happened, if the video ran backwards, or if another task had been given? The static and the reversed video each cost about as much as the episode, another instruction much less if the engine has the frames in its cache.
    """

    static: NotRequired[bool]
    """
    Score a video in which nothing happens: the first frame, at the times of the episode.
    """
    reversed: NotRequired[bool]
    """
    Score the sampled frames in reverse order, at the times of the episode. Refused with `frame_digests`: every new frame would change all of the reversed video.
    """
    other_instruction: NotRequired[str]
    """
    Score the episode with this instruction, which the robot was not given. No warning says if its words are unknown to a small model.
    """


class CorrectedRange(TypedDict):
    """
    How much the corrected curve changes over the prefixes.
    """

    min: float
    """
    Smallest of the `values`, in nats.
    """
    max: float
    """
    Largest of the `values`, in nats.
    """
    span: float
    """
    max − min, in nats.
    """


class DeltaStatistics(TypedDict):
    """
    Statistics of Δ, the progress within one chunk, over frames.
    """

    mean: float
    """
    Mean μ of Δ.
    """
    std: float
    """
    Standard deviation σ of Δ (of the population).
    """


class EngineVersion(TypedDict):
    """
    The engine that ran the model.
    """

    name: str
    """
    `vllm`, or `onnxruntime` for the embedded engine.
    """
    version: str
    """
    Version of the engine.
    """


class FieldError(TypedDict):
    """
    One mistake in a request.
    """

    pointer: str
    """
    JSON pointer to the wrong value in the request.
    """
    detail: str
    """
    What is wrong there.
    """


Finish: TypeAlias = Literal["stop", "length"]
"""
Why the text ends: the model ended it, or `max_tokens` or the context did.
"""


FrameEncoding: TypeAlias = Literal["rgb", "raw", "png", "jpeg"]
"""
How frames are sent to the model. The embedded engine uses `rgb`, the pixels. With vLLM, `raw` is uncompressed and `png` is compressed without loss. The compression of `jpeg` has losses, so the numbers differ from the reference’s.
"""


class FrameSize(TypedDict):
    """
    Width and height in pixels.
    """

    width: int
    """
    In pixels.
    """
    height: int
    """
    In pixels.
    """


FrameSizeMode: TypeAlias = Literal["reference", "native", "budget"]
"""
How frames are resized before they go to the model. With `reference`, every frame is resized to the model’s own size, whatever its aspect ratio. That is 244×244 for large models, as in the authors’ code; `GET /v1/model` says which size. With `native`, frames keep their size. With `budget`, a frame with more than `max_pixels` pixels is shrunk. Both sides are then multiples of 32 (or of what the model’s profile says), so the aspect ratio is nearly kept. Small models accept `reference` only. The default is `reference`; `gvl` has a size of its own.
"""


GvlFormat: TypeAlias = Literal["text", "structured"]
"""
How the model writes the percentages. With `text`, it writes freely, after the authors’ prompt. With `structured`, one more sentence in the prompt wants JSON, and the structured outputs of vLLM let it write nothing else. So every frame has a number.
"""


class GvlMeans(TypedDict):
    """
    The results of `gvl` together. Episodes with a problem are not among them: send these again.
    """

    complete: int
    """
    Results of `gvl` in which every frame has a percentage.
    """
    incomplete: int
    """
    The other results of `gvl`: failures, as the authors count them.
    """
    mean_voc: float | None
    mean_voc_failures_zero: float | None


class GvlOptions(TypedDict):
    """
    Options of `method: "gvl"`. Refused with another method.
    """

    count: NotRequired[int]
    """
    How many frames are shown: evenly spaced from the second frame to the last, as the authors’ uniform sampler chooses them; all frames if there are no more. The default is 15. Not with `frames`.
    """
    frames: NotRequired[list[int]]
    """
    Exactly these frames: their numbers, from 0, in increasing order. The first one is also shown as the initial scene.
    """
    seed: NotRequired[int]
    """
    Seed of the order in which the frames are shown: that of `numpy.random.default_rng(seed).permutation(n)`. The default is 42. The authors use 42 + the number of the episode in the dataset. Not with `order`.
    """
    order: NotRequired[list[int]]
    """
    The order itself: the numbers of all shown frames, each once.
    """
    format: NotRequired[GvlFormat]
    max_tokens: NotRequired[int]
    """
    Most tokens that the model writes; fewer if its context is full before. Frames after the cut have no number.
    """


class GvlPrompt(TypedDict):
    """
    The prompt that the model received.
    """

    text: str
    """
    The prompt. One `<|image_pad|>` stands for all image tokens of a frame.
    """
    token_ids: NotRequired[list[int]]
    """
    Token ids of the prompt. Present with `include_token_ids`.
    """


class GvlUsage(TypedDict):
    """
    What the request cost.
    """

    engine_requests: int
    """
    Requests sent to the engine, repeats included.
    """
    engine_resends: int
    """
    Of these, requests repeated with all data after a cache miss or a fault.
    """
    prompt_tokens: int
    """
    Tokens of all prompts, cached ones included.
    """
    cached_tokens: int | None
    engine_bytes: int
    """
    Bytes of the request bodies sent to the engine. 0 for the embedded engine.
    """
    queued_ms: float
    """
    Time spent waiting for capacity: before the upload was read, before rendering, and before each engine request, added up.
    """
    decoding_ms: float
    """
    Time to decode, resize and encode the frames (wall time). The embedded engine starts while frames are still being decoded.
    """
    engine_ms: float
    """
    From the first engine request to the last engine response (wall time). With `controls`, the sum over the episode and its controls.
    """
    generated_tokens: int
    """
    Tokens that the model wrote.
    """


HealthStatus: TypeAlias = Literal["ok", "unavailable"]
"""
`ok` with status 200, otherwise `unavailable`.
"""


LikelihoodReward: TypeAlias = Literal["sum", "mean"]
"""
What `reward` is, in nats. `sum`: the log probability of all tokens of the instruction, as in the paper. `mean`: the mean log probability of a token. Then instructions of different lengths can be compared.
"""


class Limits(TypedDict):
    """
    What one request may contain.
    """

    context_tokens: int
    """
    Length of the model’s context, in tokens.
    """
    blocks: int | None
    sampled_frames: int
    """
    About how many sampled frames fit into the context, at the reference size and with a short instruction.
    """
    frames: int
    """
    Most frames in one episode.
    """
    batch_episodes: int
    """
    Most episodes in one batch.
    """
    batch_frames: int
    """
    Most frame files in one batch.
    """
    upload_bytes: int
    """
    Most bytes in the files of one request.
    """
    json_bytes: int
    """
    Most bytes of a JSON body, and of the part `batch` of a form.
    """
    frame_side: int
    """
    Largest width and height of a frame, in pixels.
    """
    frame_pixels: int
    """
    Most pixels of a frame.
    """
    deadline_s: float
    """
    Longest time for one request, in seconds.
    """
    batch_deadline_s: float
    """
    Longest time for one batch, in seconds.
    """


class LogProbRange(TypedDict):
    """
    How much the reward changes over the prefixes.
    """

    min: float
    """
    Smallest `reward` of the prefixes, in nats.
    """
    max: float
    """
    Largest `reward` of the prefixes, in nats.
    """
    span: float
    """
    max − min, in nats.
    """
    flat: bool | None
    flat_below: float
    """
    A curve with a smaller span is called flat, in nats.
    """


MethodName: TypeAlias = Literal["topreward", "instruction_likelihood", "gvl"]
"""
How the model is asked. With `topreward`, the reward of a prefix is the log probability of True. With `instruction_likelihood`, it is the log probability of the words of the instruction; the paper compares both. With `gvl`, the model receives single frames in random order and writes a percentage for each. This is the baseline of the paper. `methods` of `GET /v1/model` says which of them this service can use.
"""


MissingPercentage: TypeAlias = Literal["not-mentioned", "no-number", "out-of-range", "cut-off", "not-json"]
"""
Why a frame has no percentage. With `not-mentioned`, the text does not name the frame. With `no-number`, it names the frame, but no single percentage. With `out-of-range`, the number is not between 0 and 100. With `cut-off`, the text ends at its token limit before the frame, or within its number. With `not-json`, the text is not the JSON that `format: "structured"` wants.
"""


MissingRewards: TypeAlias = Literal["zero", "interpolate", "duplicate"]
"""
Reward of a frame at which no requested prefix ends. `zero`: 0. `interpolate`: linear between the two nearest prefixes. `duplicate`: the reward of the prefix before it. Before the first and after the last prefix, the last two use the reward of that prefix.
"""


Pipeline: TypeAlias = Literal["aligned", "published"]
"""
How frames become the model’s video. `aligned` is the authors’ current code: two frames per second of true time, at one size. All prefixes share one pass. `published` is their first release, which made the tables of the paper. Each prefix has evenly spaced frames of its own, from its first to its last, and times that assume 24 fps. Frames have 320 px, or fewer in a prefix with more than 245 of them. Prefixes share almost nothing, so each costs a pass of its own. The values of the two pipelines cannot be compared. The default is `aligned`.
"""


class PrefixEvent(TypedDict):
    """
    The log probabilities of one prefix. The line is sent as soon as they are known.
    """

    event: Literal["prefix"]
    """
    Kind of this line.
    """
    length: int
    """
    Length of this prefix, in frames.
    """
    time_s: float
    """
    Time of the prefix’s last frame, in seconds from the first frame of the episode.
    """
    frames_used: int
    """
    How many sampled frames the model received: the first ones of `sampled_frame_indices`. With `pipeline: "published"` each prefix has frames of its own, and an odd last one counts twice.
    """
    log_prob_true: float
    """
    Natural logarithm of the probability that the next token is True, or one of the texts for True, in nats.
    """
    log_prob_false: float
    """
    The same for False.
    """
    log_odds: float
    """
    log_prob_true − log_prob_false, in nats. Above 0, True is more probable than False.
    """
    reward: float
    """
    The reward of the prefix, in nats: `log_prob_true`, unless `answers.reward` of the request says otherwise. Everything else is computed from it: progress, score, success, VOC and training signals.
    """
    known: int
    """
    Number of prefixes sent so far, this one included.
    """
    total: int
    """
    Number of prefixes in the complete response.
    """


class PrefixReward(TypedDict):
    """
    The scores of one prefix.
    """

    length: int
    """
    Length of this prefix, in frames.
    """
    time_s: float
    """
    Time of the prefix’s last frame, in seconds from the first frame of the episode.
    """
    frames_used: int
    """
    How many sampled frames the model received: the first ones of `sampled_frame_indices`. With `pipeline: "published"` each prefix has frames of its own, and an odd last one counts twice.
    """
    log_prob_true: float
    """
    Natural logarithm of the probability that the next token is True, or one of the texts for True, in nats.
    """
    log_prob_false: float
    """
    The same for False.
    """
    log_odds: float
    """
    log_prob_true − log_prob_false, in nats. Above 0, True is more probable than False.
    """
    reward: float
    """
    The reward of the prefix, in nats: `log_prob_true`, unless `answers.reward` of the request says otherwise. Everything else is computed from it: progress, score, success, VOC and training signals.
    """
    progress: float | None


class PrefixSelection(TypedDict):
    """
    Which prefixes to score. A prefix is the first n frames of the episode. Give one of the four members; the default is `{"count": 15}`, or `{"last": 1}` with `frame_digests`.
    """

    count: NotRequired[int]
    """
    At most this many prefixes, evenly spaced from the first frame to the complete episode.
    """
    every: NotRequired[int]
    """
    One prefix after every n frames, and one for the complete episode.
    """
    lengths: NotRequired[list[int]]
    """
    Exactly these prefix lengths, in frames, in increasing order.
    """
    last: NotRequired[int]
    """
    The n longest prefixes, one frame apart. `1` scores the complete episode only.
    """


class Problem(TypedDict):
    """
    An error response: problem details as in RFC 9457.
    """

    type: str
    """
    Identifies the kind of problem: `/problems/<code>`. The service serves a page about it at this path.
    """
    title: str
    """
    The kind of problem in a few words. It is the same for every problem of a kind.
    """
    status: int
    """
    HTTP status of this problem.
    """
    code: str
    """
    The last part of `type`. Use it in programs: codes do not change. New codes may be added, so treat an unknown code like its status. Today’s codes: `malformed-http`, `malformed-json`, `malformed-multipart`, `unexpected-part`, `unauthorized`, `cross-site-request`, `not-found`, `method-not-allowed`, `upload-timeout`, `frames-missing`, `precondition-failed`, `upload-too-large`, `too-many-frames`, `unsupported-media-type`, `range-not-satisfiable`, `expectation-failed`, `forbidden-host`, `missing-episode`, `invalid-request`, `missing-instruction`, `special-token-text`, `instruction-too-long`, `missing-clock`, `ambiguous-clock`, `invalid-timestamps`, `invalid-prefixes`, `missing-bounds`, `invalid-answers`, `calibration-mismatch`, `no-frames`, `unlisted-frame`, `ambiguous-frames`, `not-an-image`, `image-damaged`, `image-unsupported`, `image-too-large`, `frame-sizes-differ`, `invalid-npy`, `invalid-range`, `not-a-video`, `video-unsupported`, `video-damaged`, `video-too-large`, `method-unsupported`, `frame-size-unsupported`, `pipeline-unsupported`, `context-exceeded`, `too-many-wrong-keys`, `headers-too-large`, `internal-error`, `video-unavailable`, `engine-failed`, `engine-answer-unusable`, `server-busy`, `storage-unavailable`, `engine-unavailable`, `engine-busy`, `deadline-exceeded`, `video-timeout`.
    """
    detail: str
    """
    What is wrong in this request, and what to send instead.
    """
    instance: str
    """
    Id of this request, as in the header `x-request-id` and in the log.
    """
    pointer: NotRequired[str]
    """
    JSON pointer to the wrong value in the request.
    """
    frame: NotRequired[int]
    """
    Number of the wrong frame, from 0.
    """
    part: NotRequired[str]
    """
    Name of the part of the form that is wrong.
    """
    limit: NotRequired[float]
    """
    The limit that the request exceeds.
    """
    retry_after_s: NotRequired[int]
    """
    Seconds to wait before a retry, as in the header `Retry-After`.
    """
    errors: NotRequired[list[FieldError]]
    """
    For `invalid-request`: up to eight mistakes, each with `pointer` and `detail`.
    """
    missing: NotRequired[list[str]]
    """
    For `frames-missing`: the digests of the frames to send again.
    """


class ProblemEvent(TypedDict):
    """
    The last line if scoring failed after the first line was sent.
    """

    event: Literal["problem"]
    """
    Kind of this line.
    """
    problem: Problem


class Profile(TypedDict):
    """
    How the model receives frames: in pairs or as images, and the text around them. It is chosen by the operator (`MODEL_PROFILE`).
    """

    name: str
    """
    Name of the profile.
    """
    verified: bool
    """
    Whether the profile says how its numbers were compared. The author of the profile says so, in the profile.
    """


class ProgressBounds(TypedDict):
    """
    A fixed scale for progress: the rewards that count as 0 and as 1.
    """

    low: float
    """
    `reward` that counts as no progress, in nats.
    """
    high: float
    """
    `reward` that counts as full progress, in nats. It is above `low`.
    """


PromptLayout: TypeAlias = Literal["reference", "nested", "images"]
"""
How blocks are written in the prompt. With `reference`, the prompt equals the reference’s, token by token. With `nested`, vLLM uses its own chat template, which adds two tokens around each block. With `images`, each block is an image of one frame, as in the model’s own chat template.
"""


PromptVariant: TypeAlias = Literal["open", "chat"]
"""
With `open`, the prompt is the reference’s: a user turn that does not end. It scores the token ` True`. With `chat`, the user turn ends and the assistant’s starts. It scores the token `True` (no leading space). The default is `open`.
"""


class RabcWeightOptions(TypedDict):
    """
    LeRobot’s RA-BC weights, with Δ = progress[t + chunk] − progress[t]. The weight is 1 if Δ > κ, 0 if Δ < 0, otherwise clip((Δ − (μ − 2σ)) / (4σ + ε), 0, 1). In `statistics`, send μ and σ of the dataset; the default is those of this episode.
    """

    chunk: int
    """
    Length of the policy’s action chunk, in frames of this upload.
    """
    kappa: NotRequired[float]
    """
    κ: a frame with more progress than this has weight 1.
    """
    epsilon: NotRequired[float]
    """
    ε: the smallest σ, and the value added to 4σ, as in LeRobot.
    """
    statistics: NotRequired[DeltaStatistics]


Resampling: TypeAlias = Literal["none", "pillow-bicubic", "published", "gvl"]
"""
`none`: the frames had the right size. `pillow-bicubic`: they were resized as Pillow’s bicubic filter does. With `published`, in the steps of the authors’ first release, then rounded to 8 bits. With `gvl`, in the steps of the authors’ GVL.
"""


RewardKind: TypeAlias = Literal["log_prob", "log_odds", "normalised"]
"""
What `reward` is, in nats. `log_prob`: `log_prob_true`, as in the reference. `log_odds`: `log_prob_true` − `log_prob_false`, which can be above 0. `normalised`: the logarithm of p(true) / (p(true) + p(false)).
"""


Scale: TypeAlias = Literal["episode", "bounds", "none"]
"""
The scale `episode` is min-max over the prefixes of this episode, as in the reference. The scale `bounds` is clip((reward − low) / (high − low), 0, 1), which later frames do not change. With `none` there is no progress; every progress value is null.
"""


ScoredCurve: TypeAlias = Literal["episode", "corrected"]
"""
Which curve a score is the mean of. With `episode`, the curve of the episode itself: `score` of a response. With `corrected`, the curve that is corrected by a static video: `controls.static.corrected.score`. A calibration that does not say so is for `episode`.
"""


class ScoredRange(TypedDict):
    """
    `min` and `max` of the response’s `log_prob_range`, or of `controls.static.corrected.range` with the curve `corrected`. Those of the successes make the bounds.
    """

    min: float
    """
    Smallest value of the curve, in nats.
    """
    max: float
    """
    Largest value of the curve, in nats.
    """


class ServiceVersion(TypedDict):
    """
    The service that made the response.
    """

    name: str
    """
    Name of the service.
    """
    version: str
    """
    Version of the service.
    """


class Shaping(TypedDict):
    """
    Potential-based shaping rewards, with the options that were used.
    """

    gamma: float
    """
    Discount factor γ.
    """
    per_step: list[float]
    """
    Entry i is F from prefixes[i] to prefixes[i + 1]. There is one entry fewer than prefixes.
    """


class ShapingOptions(TypedDict):
    """
    Potential-based shaping rewards: F = γ·Φ(s′) − Φ(s), with Φ = progress. Requires the scale `bounds`, because Φ must not change.
    """

    gamma: NotRequired[float]
    """
    Discount factor γ.
    """


StatisticsSource: TypeAlias = Literal["episode", "request"]
"""
Where the used μ and σ come from.
"""


class SuccessRule(TypedDict):
    """
    How `score` is computed, and from which score an episode is a success.
    """

    threshold: NotRequired[float]
    """
    The episode counts as a success if `score` is at or above this value, in nats. A threshold belongs to one model, prompt, choice of answers and task: calibrate it. Above 0 with `log_odds` only.
    """
    final_prefixes: NotRequired[int]
    """
    How many of the longest requested prefixes are averaged into `score`.
    """


class TextLogProbs(TypedDict):
    """
    How likely a text is after the video.
    """

    sum: float
    """
    Log probability of all tokens together, in nats.
    """
    mean: float
    """
    Mean log probability of a token, in nats.
    """
    tokens: list[float]
    """
    One value for each token of the provenance, in the same order.
    """


class ThresholdFit(TypedDict):
    """
    A threshold, and how it divides the given episodes.
    """

    threshold: float
    """
    An episode is called a success if its score is at or above this value, in nats.
    """
    true_positives: int
    """
    Successes that are called a success.
    """
    false_positives: int
    """
    Failures that are called a success.
    """
    true_negatives: int
    """
    Failures that are called a failure.
    """
    false_negatives: int
    """
    Successes that are called a failure.
    """
    sensitivity: float
    """
    Share of the successes that are called a success (recall).
    """
    specificity: float
    """
    Share of the failures that are called a failure.
    """
    precision: float
    """
    Share of true successes among the episodes that are called a success.
    """
    youden: float
    """
    Youden’s J: sensitivity + specificity − 1.
    """


ThresholdSource: TypeAlias = Literal["request", "calibration", "operator", "model"]
"""
Where the threshold comes from: the first of these that has one.
"""


class Token(TypedDict):
    """
    A token of the model’s vocabulary.
    """

    text: str
    """
    Text of the token, with its leading space if it has one.
    """
    id: int
    """
    Id of the token in the vocabulary.
    """


class TopAnswer(TypedDict):
    """
    One of the most likely next tokens.
    """

    text: str
    """
    Text of the token, with its leading space if it has one.
    """
    id: int
    """
    Id of the token in the vocabulary.
    """
    log_prob: float
    """
    Natural logarithm of the probability that this token is the next one, in nats.
    """


UndefinedVoc: TypeAlias = Literal["missing", "zero"]
"""
Value of `voc` if the correlation is undefined (one prefix, or all values equal). `missing`: null. `zero`: 0, as the authors report it for GVL.
"""


class Usage(TypedDict):
    """
    What the request cost.
    """

    engine_requests: int
    """
    Requests sent to the engine, repeats included.
    """
    engine_resends: int
    """
    Of these, requests repeated with all data after a cache miss or a fault.
    """
    prompt_tokens: int
    """
    Tokens of all prompts, cached ones included.
    """
    cached_tokens: int | None
    engine_bytes: int
    """
    Bytes of the request bodies sent to the engine. 0 for the embedded engine.
    """
    queued_ms: float
    """
    Time spent waiting for capacity: before the upload was read, before rendering, and before each engine request, added up.
    """
    decoding_ms: float
    """
    Time to decode, resize and encode the frames (wall time). The embedded engine starts while frames are still being decoded.
    """
    engine_ms: float
    """
    From the first engine request to the last engine response (wall time). With `controls`, the sum over the episode and its controls.
    """


class UsedBounds(TypedDict):
    """
    The bounds that were used.
    """

    low: float
    """
    `reward` that counts as no progress, in nats.
    """
    high: float
    """
    `reward` that counts as full progress, in nats. It is above `low`.
    """
    source: BoundsSource


class ValueOptions(TypedDict):
    """
    Discounted sums of rewards: V_t = Σ γ^k r_{t+k} up to the last frame, with r = the `reward` of a prefix.
    """

    gamma: NotRequired[float]
    """
    Discount factor γ.
    """
    missing: NotRequired[MissingRewards]


class Values(TypedDict):
    """
    Discounted sums of rewards, with the options that were used.
    """

    gamma: float
    """
    Discount factor γ.
    """
    missing: MissingRewards
    per_frame: list[float]
    """
    V_t of every frame, in nats.
    """


class VideoProvenance(TypedDict):
    """
    The video that the frames come from. Absent if frames were sent.
    """

    codec: str
    """
    Codec of the video.
    """
    decoder: str
    """
    Program that decoded it, with its version.
    """
    timestamps_s: list[float]
    """
    Presentation time of each frame of the episode, in seconds on the timeline of the file.
    """


class Warning(TypedDict):
    """
    A note about a successful response. The numbers are valid; read it before you use them.
    """

    code: str
    """
    Kind of warning. New kinds may be added.
    """
    message: str
    """
    What it means for this response.
    """


class Answers(TypedDict):
    """
    Which answers of the model count as True and as False, and what `reward` is. Texts that are left out are those of the prompt: ` True` and ` False` with `open`, `True` and `False` with `chat`. One query reads at most 128 tokens.
    """

    true_texts: NotRequired[list[str]]
    """
    Texts that say that the robot completed the task. `log_prob_true` is the log probability that the model continues with one of them.
    """
    false_texts: NotRequired[list[str]]
    """
    Texts that say that it did not. `log_prob_false` is the log probability that the model continues with one of them.
    """
    reward: NotRequired[RewardKind]


class BatchEndEvent(TypedDict):
    """
    The last line. A response without it is incomplete.
    """

    event: Literal["end"]
    """
    Kind of this line.
    """
    scored: int
    """
    Number of episodes with a result.
    """
    failed: int
    """
    Number of episodes with a problem.
    """
    gvl: GvlMeans | None


class BatchProblemEvent(TypedDict):
    """
    An episode that could not be scored. The other episodes are not affected.
    """

    event: Literal["problem"]
    """
    Kind of this line.
    """
    index: int
    """
    Number of the episode in `items`, from 0.
    """
    id: NotRequired[str]
    """
    The `id` of the episode, if the request has one.
    """
    problem: Problem


class CalibratedAnswers(TypedDict):
    """
    Which answers of the model count as True and as False, and what `reward` is. Thresholds and bounds belong to one such choice.
    """

    true_texts: list[str]
    """
    Texts that say that the robot completed the task. `log_prob_true` is the log probability that the model continues with one of them.
    """
    false_texts: list[str]
    """
    Texts that say that it did not. `log_prob_false` is the log probability that the model continues with one of them.
    """
    reward: RewardKind


class ChosenAnswers(TypedDict):
    """
    Which answers of the model count as True and as False, and what `reward` is. Thresholds and bounds belong to one such choice.
    """

    true_texts: list[str]
    """
    Texts that say that the robot completed the task. `log_prob_true` is the log probability that the model continues with one of them.
    """
    false_texts: list[str]
    """
    Texts that say that it did not. `log_prob_false` is the log probability that the model continues with one of them.
    """
    reward: RewardKind


class ChosenLikelihood(TypedDict):
    """
    What `reward` is.
    """

    reward: LikelihoodReward
    full_stop: bool
    """
    Whether `reward` counts the full stop.
    """


class CorrectedScale(TypedDict):
    """
    How progress was computed. `bounds` are those of a calibration of the corrected curve, and null unless the scale is `bounds`.
    """

    scale: Scale
    bounds: CalibrationBounds | None


class FrameSizeProvenance(TypedDict):
    """
    Size of the frames as uploaded (`source`) and as sent to the model (`sent`).
    """

    mode: FrameSizeMode
    source: FrameSize
    sent: FrameSize
    resampling: Resampling
    encoding: FrameEncoding
    per_prefix: NotRequired[list[FrameSize]]
    """
    Size of the frames of each prefix, in the order of `prefixes`. Only with `pipeline: "published"`.
    """


class GvlFrame(TypedDict):
    """
    One shown frame, and what the model wrote for it.
    """

    frame: int
    """
    Number of the frame in the episode, from 0.
    """
    time_s: float
    """
    Its time, in seconds from the first frame of the episode.
    """
    shown_as: int
    """
    Its number in the prompt, from 1.
    """
    percentage: float | None
    missing: MissingPercentage | None


class GvlFrameSize(TypedDict):
    """
    Size of the frames as uploaded (`source`) and as sent to the model (`sent`).
    """

    source: FrameSize
    sent: FrameSize
    resampling: Resampling


class GvlProvenance(TypedDict):
    """
    How the numbers were made.
    """

    service: ServiceVersion
    engine: EngineVersion
    model: str
    """
    Name of the model.
    """
    profile: Profile
    about: str | None
    prompt: GvlPrompt
    format: GvlFormat
    max_tokens: int
    """
    Most tokens that the model could write.
    """
    seed: int | None
    order: list[int]
    """
    Numbers of the shown frames, in the order of the prompt: the first one is shown as frame 1.
    """
    initial_frame: int
    """
    Number of the frame of the initial scene.
    """
    frame_size: GvlFrameSize
    video: NotRequired[VideoProvenance]


class GvlResult(TypedDict):
    """
    An episode that was scored with the method `gvl`.
    """

    method: Literal["gvl"]
    """
    The method of the request.
    """
    id: NotRequired[str]
    """
    The `id` of the request, if it has one.
    """
    frames: list[GvlFrame]
    """
    The shown frames, in the order of the episode.
    """
    complete: bool
    """
    Whether every frame has a percentage. The authors count an episode without as a failure.
    """
    voc: float | None
    text: str
    """
    What the model wrote.
    """
    finish: Finish
    usage: GvlUsage
    provenance: GvlProvenance
    warnings: list[Warning]
    """
    Notes about this response; empty if there are none.
    """


class Health(TypedDict):
    """
    The response to a health check.
    """

    status: HealthStatus
    reason: NotRequired[str]
    """
    Why the service is unavailable, in one line.
    """


class LabelledEpisode(TypedDict):
    """
    One scored episode and its label.
    """

    success: bool
    """
    Whether the robot completed the task, as a person saw it.
    """
    score: float
    """
    `score` of the episode’s response, or `controls.static.corrected.score` with the curve `corrected`, in nats. Above 0 only with the curve `corrected` or for log odds.
    """
    log_prob_range: NotRequired[ScoredRange]


class LikelihoodOptions(TypedDict):
    """
    What `reward` is with `method: "instruction_likelihood"`. Refused with another method.
    """

    reward: NotRequired[LikelihoodReward]
    full_stop: NotRequired[bool]
    """
    Whether `reward` counts the full stop that the prompt of the paper puts after the instruction. Both are returned in any case.
    """


class LikelihoodPrefixEvent(TypedDict):
    """
    The same for the method `instruction_likelihood`: how likely the instruction is after one prefix, as soon as it is known.
    """

    event: Literal["likelihood_prefix"]
    """
    Kind of this line.
    """
    length: int
    """
    Length of this prefix, in frames.
    """
    time_s: float
    """
    Time of the prefix’s last frame, in seconds from the first frame of the episode.
    """
    frames_used: int
    """
    How many sampled frames the model received: the first ones of `sampled_frame_indices`. With `pipeline: "published"` each prefix has frames of its own, and an odd last one counts twice.
    """
    without_full_stop: TextLogProbs
    with_full_stop: TextLogProbs
    reward: float
    """
    The reward of the prefix, in nats: one of these four numbers, as `likelihood` of the request chooses.
    """
    known: int
    """
    Number of prefixes sent so far, this one included.
    """
    total: int
    """
    Number of prefixes in the complete response.
    """


class PrefixLikelihood(TypedDict):
    """
    How likely the instruction is after one prefix.
    """

    length: int
    """
    Length of this prefix, in frames.
    """
    time_s: float
    """
    Time of the prefix’s last frame, in seconds from the first frame of the episode.
    """
    frames_used: int
    """
    How many sampled frames the model received: the first ones of `sampled_frame_indices`. With `pipeline: "published"` each prefix has frames of its own, and an odd last one counts twice.
    """
    without_full_stop: TextLogProbs
    with_full_stop: TextLogProbs
    reward: float
    """
    The reward of the prefix, in nats: one of these four numbers, as `likelihood` of the request chooses.
    """
    progress: float | None


class ProgressRule(TypedDict):
    """
    How rewards are mapped to progress. Default of `scale`: `bounds` if the request has bounds or a calibration with bounds; otherwise `episode`, or `none` with `frame_digests`.
    """

    scale: NotRequired[Scale]
    bounds: NotRequired[ProgressBounds]


class ProgressScale(TypedDict):
    """
    How progress was computed. `bounds` is null unless the scale is `bounds`.
    """

    scale: Scale
    bounds: UsedBounds | None


class PromptProvenance(TypedDict):
    """
    The prompt that the model received.
    """

    variant: PromptVariant
    text: str
    """
    Prompt of the longest prefix. One `<|video_pad|>`, or image token, stands for all such tokens of a block.
    """
    video_tokens_per_block: int
    """
    Video or image tokens of one block.
    """
    token_ids: NotRequired[list[int]]
    """
    Token ids of the longest prompt. Present with `include_token_ids`.
    """


class Provenance(TypedDict):
    """
    How the numbers were made.
    """

    service: ServiceVersion
    engine: EngineVersion
    model: str
    """
    Name of the model.
    """
    profile: Profile
    about: str | None
    pipeline: Pipeline
    layout: PromptLayout
    prompt: PromptProvenance
    sampled_frame_indices: list[int]
    """
    Numbers of the sampled frames, from 0: two frames per second. With `pipeline: "published"`: the frames of the longest prefix.
    """
    frame_size: FrameSizeProvenance
    video: NotRequired[VideoProvenance]
    true_token: Token
    false_token: Token
    answers: ChosenAnswers
    true_tokens: list[AnswerTokens]
    """
    Tokens of each text for True. `true_token` is the very first.
    """
    false_tokens: list[AnswerTokens]
    """
    Tokens of each text for False. `false_token` is the very first.
    """


class RabcWeights(TypedDict):
    """
    RA-BC weights. `statistics` are the values that were used, after LeRobot’s max(μ, 0) and max(σ, ε). `episode_statistics` are those of this episode, unchanged, to pool over a dataset.
    """

    chunk: int
    """
    Length of the policy’s action chunk, in frames of this upload.
    """
    kappa: float
    """
    κ: a frame with more progress than this has weight 1.
    """
    epsilon: float
    """
    ε: the smallest σ, and the value added to 4σ, as in LeRobot.
    """
    statistics: DeltaStatistics
    source: StatisticsSource
    episode_statistics: DeltaStatistics
    per_frame: list[float]
    """
    One weight per frame.
    """


class ServedPrompt(TypedDict):
    """
    One prompt variant as this engine serves it.
    """

    layout: PromptLayout
    true_token: Token
    false_token: Token


class ServedPrompts(TypedDict):
    """
    The two prompt variants.
    """

    open: ServedPrompt
    chat: ServedPrompt


class Success(TypedDict):
    """
    Whether the episode counts as a success. Null if there is no threshold.
    """

    flag: bool
    """
    Whether the score is at or above the threshold: `score`, or `controls.static.corrected.score` with the curve `corrected`.
    """
    threshold: float
    """
    The threshold, in nats.
    """
    threshold_source: ThresholdSource
    curve: ScoredCurve
    final_prefixes: int
    """
    How many of the longest prefixes `score` averages.
    """


class TrainingOptions(TypedDict):
    """
    Training signals to compute. Each member that is present is computed; `{}` uses its defaults.
    """

    values: NotRequired[ValueOptions]
    shaping: NotRequired[ShapingOptions]
    cloning_weights: NotRequired[CloningWeightOptions]
    rabc_weights: NotRequired[RabcWeightOptions]


class TrainingSignals(TypedDict):
    """
    The requested training signals. Those that were not requested are null.
    """

    values: Values | None
    shaping: Shaping | None
    cloning_weights: CloningWeights | None
    rabc_weights: RabcWeights | None


class CalibrationOptions(TypedDict):
    """
    Options of a calibration.
    """

    id: NotRequired[str]
    """
    Your own id. The calibration repeats it unchanged.
    """
    model: NotRequired[str]
    """
    `provenance.model` of the scored episodes. The service refuses this calibration when it uses another model.
    """
    profile: NotRequired[str]
    """
    `provenance.profile.name` of the scored episodes. The service refuses this calibration when it uses another profile. Absent: it is for `qwen3-vl`.
    """
    prompt: NotRequired[PromptVariant]
    pipeline: NotRequired[Pipeline]
    answers: NotRequired[CalibratedAnswers]
    curve: NotRequired[ScoredCurve]
    final_prefixes: NotRequired[int]
    """
    `success.final_prefixes` of the scored episodes: how many prefixes their scores average. A response whose score averages another number has a warning.
    """
    task: NotRequired[str]
    """
    The task, for people to read. The calibration repeats it; nothing checks it.
    """
    precision: NotRequired[float]
    """
    Requested precision: the share of true successes among the episodes that are called a success. With it, `threshold` is that of `precise`.
    """


class Calibration(TypedDict):
    """
    A success threshold and progress bounds for one model, prompt, choice of answers and task. Send it unchanged in `episode.calibration`. The fit `best` has the largest Youden’s J. The fit `precise` has the lowest threshold with the requested precision. The bounds are the medians of the successes’ smallest and largest value on the curve.
    """

    id: NotRequired[str]
    """
    Your own id. The calibration repeats it unchanged.
    """
    model: NotRequired[str]
    """
    `provenance.model` of the scored episodes. The service refuses this calibration when it uses another model.
    """
    profile: NotRequired[str]
    """
    `provenance.profile.name` of the scored episodes. The service refuses this calibration when it uses another profile. Absent: it is for `qwen3-vl`.
    """
    prompt: NotRequired[PromptVariant]
    pipeline: NotRequired[Pipeline]
    answers: NotRequired[ChosenAnswers]
    curve: NotRequired[ScoredCurve]
    final_prefixes: NotRequired[int]
    """
    `success.final_prefixes` of the scored episodes: how many prefixes their scores average. A response whose score averages another number has a warning.
    """
    task: NotRequired[str]
    """
    The task, for people to read. The calibration repeats it; nothing checks it.
    """
    threshold: float | None
    bounds: CalibrationBounds | None
    best: ThresholdFit | None
    precise: ThresholdFit | None
    auc: AucEstimate | None
    counts: CalibrationCounts
    warnings: list[Warning]
    """
    What is missing or uncertain, and why.
    """


class CalibrationRequest(TypedDict):
    """
    Labelled scores, and what they belong to. If they were made with `answers`, send `provenance.answers` of a response.
    """

    id: NotRequired[str]
    """
    Your own id. The calibration repeats it unchanged.
    """
    model: NotRequired[str]
    """
    `provenance.model` of the scored episodes. The service refuses this calibration when it uses another model.
    """
    profile: NotRequired[str]
    """
    `provenance.profile.name` of the scored episodes. The service refuses this calibration when it uses another profile. Absent: it is for `qwen3-vl`.
    """
    prompt: NotRequired[PromptVariant]
    pipeline: NotRequired[Pipeline]
    answers: NotRequired[CalibratedAnswers]
    curve: NotRequired[ScoredCurve]
    final_prefixes: NotRequired[int]
    """
    `success.final_prefixes` of the scored episodes: how many prefixes their scores average. A response whose score averages another number has a warning.
    """
    task: NotRequired[str]
    """
    The task, for people to read. The calibration repeats it; nothing checks it.
    """
    episodes: list[LabelledEpisode]
    """
    Scored and labelled episodes, all with the same model, prompt, answers, task and choice of prefixes.
    """
    precision: NotRequired[float]
    """
    Requested precision: the share of true successes among the episodes that are called a success. With it, `threshold` is that of `precise`.
    """


class CorrectedCurve(TypedDict):
    """
    The curve of the episode without what a static video of the same length gets: what the model says because of what happens.
    """

    values: list[float]
    """
    Reward of the episode − that of the static video, for each prefix, in the order of `prefixes`, in nats.
    """
    progress: list[float] | None
    progress_scale: CorrectedScale
    score: float
    """
    Mean of the last `values`, as many as `score` averages, in nats.
    """
    range: CorrectedRange
    voc: float | None


class Episode(TypedDict):
    """
    One episode: the instruction, the time of its frames, and what to compute.
    """

    id: NotRequired[str]
    """
    Your own id. The response repeats it unchanged.
    """
    instruction: str
    """
    What the robot was told to do. It is inserted into the prompt unchanged.
    """
    fps: NotRequired[float]
    """
    Frames per second of the frames that you send. Required unless you send `timestamps_s` or a `video`. There is no default: a wrong fps changes the reward without an error.
    """
    timestamps_s: NotRequired[list[float]]
    """
    Instead of `fps`: one time per frame, in seconds, in increasing order. The first one counts as 0.
    """
    from_s: NotRequired[float]
    """
    With a `video`: the episode starts at this time of the file, in seconds (LeRobot’s `from_timestamp`). Default: the first frame of the file.
    """
    to_s: NotRequired[float]
    """
    With a `video`: the episode ends before this time of the file, in seconds (LeRobot’s `to_timestamp`). Default: after the last frame of the file.
    """
    frame_digests: NotRequired[list[str]]
    """
    Marks the episode as unfinished (a growing episode). One entry for every frame so far, in order: the SHA-256 of the file’s bytes or, for a .npy, of the frame’s pixels. Send only the frames that are new, in any order. If the service needs other frames again, the response is the problem `frames-missing` with their digests.
    """
    method: NotRequired[MethodName]
    likelihood: NotRequired[LikelihoodOptions]
    gvl: NotRequired[GvlOptions]
    prefixes: NotRequired[PrefixSelection]
    pipeline: NotRequired[Pipeline]
    frame_size: NotRequired[FrameSizeMode]
    max_pixels: NotRequired[int]
    """
    Most pixels per frame. Required with `frame_size: "budget"`, refused otherwise.
    """
    prompt: NotRequired[PromptVariant]
    answers: NotRequired[Answers]
    top_answers: NotRequired[int]
    """
    How many of the most likely next tokens of the longest prefix to return. With vLLM this is one more query, or one for each token if vLLM is busy with others.
    """
    success: NotRequired[SuccessRule]
    progress: NotRequired[ProgressRule]
    calibration: NotRequired[Calibration]
    training: NotRequired[TrainingOptions]
    controls: NotRequired[ControlOptions]
    undefined_voc: NotRequired[UndefinedVoc]
    include_token_ids: NotRequired[bool]
    """
    Whether the provenance includes the token ids of the longest prompt.
    """


class LikelihoodProvenance(TypedDict):
    """
    How the numbers were made.
    """

    service: ServiceVersion
    engine: EngineVersion
    model: str
    """
    Name of the model.
    """
    profile: Profile
    about: str | None
    pipeline: Pipeline
    layout: PromptLayout
    prompt: PromptProvenance
    sampled_frame_indices: list[int]
    """
    Numbers of the sampled frames, from 0: two frames per second. With `pipeline: "published"`: the frames of the longest prefix.
    """
    frame_size: FrameSizeProvenance
    video: NotRequired[VideoProvenance]
    likelihood: ChosenLikelihood
    instruction_tokens: list[Token]
    """
    Tokens of the instruction. They follow `prompt.text`.
    """
    full_stop_tokens: list[Token]
    """
    Tokens of the instruction with a full stop after it. They are others than those above and one more if the instruction itself ends with a full stop.
    """


class LikelihoodResult(TypedDict):
    """
    An episode that was scored with the method `instruction_likelihood`.
    """

    method: Literal["instruction_likelihood"]
    """
    The method of the request.
    """
    id: NotRequired[str]
    """
    The `id` of the request, if it has one.
    """
    prefixes: list[PrefixLikelihood]
    """
    The requested prefixes, in increasing length.
    """
    progress_curve: list[float] | None
    progress_scale: ProgressScale
    score: float
    """
    Mean `reward` of the longest prefixes, in nats. `success.final_prefixes` of the request says how many; the default is 3.
    """
    success: Success | None
    log_prob_range: LogProbRange
    voc: float | None
    training: TrainingSignals | None
    usage: Usage
    provenance: LikelihoodProvenance
    warnings: list[Warning]
    """
    Notes about this response; empty if there are none.
    """


class Model(TypedDict):
    """
    The model that the service uses, how exact it is, and its limits.
    """

    model: str
    """
    Name of the model, as in `provenance.model`.
    """
    profile: Profile
    about: str | None
    service: ServiceVersion
    engine: EngineVersion
    engine_replicas: int
    """
    How many engines the operator runs (`ENGINE_REPLICAS`). `engine` and all limits are those of each of them.
    """
    methods: list[MethodName]
    """
    The values of `method` that this service can use with this model.
    """
    pipelines: list[Pipeline]
    """
    The values of `pipeline` that this model accepts.
    """
    prompts: ServedPrompts
    one_pass: bool | None
    reference_frame: FrameSize
    frame_sizes: list[FrameSizeMode]
    """
    The values of `frame_size` that this model accepts. `reference` stands for `reference_frame`.
    """
    frame_encoding: FrameEncoding
    video: bool
    """
    Whether the service accepts a `video`. It needs ffmpeg for that.
    """
    success_threshold: float | None
    limits: Limits


class RewardForm(TypedDict):
    """
    An episode as a form. The parts may be in any order.
    """

    episode: Episode
    frames: NotRequired[list[str]]
    """
    JPEG, PNG or WebP files, one part each, in order.
    """
    npy: NotRequired[str]
    """
    Instead of `frames`: one NumPy file, uint8, shape (frames, height, width, 3).
    """
    video: NotRequired[str]
    """
    Instead of `frames`: one MP4, WebM or MKV file. It has its own times.
    """


class RewardRequest(TypedDict):
    """
    An episode with its frames in base64. A form sends the same in fewer bytes.
    """

    episode: Episode
    frames: NotRequired[list[str]]
    """
    JPEG, PNG or WebP files in base64, in order.
    """
    npy: NotRequired[str]
    """
    Instead of `frames`: one NumPy file in base64, uint8, shape (frames, height, width, 3).
    """
    video: NotRequired[str]
    """
    Instead of `frames`: one MP4, WebM or MKV file in base64. It has its own times.
    """


class StaticControl(TypedDict):
    """
    The curve of the static video, and that of the episode corrected by it.
    """

    log_prob_true: list[float]
    """
    Log probability of True for each prefix, in the order of `prefixes`, in nats.
    """
    rewards: list[float]
    """
    Reward of each prefix: `log_prob_true`, unless `answers.reward` says otherwise, in nats.
    """
    span: float
    """
    Largest − smallest value of `rewards`, in nats.
    """
    voc: float | None
    prompt_tokens: int
    """
    Part of `usage.prompt_tokens` that this control took.
    """
    cached_tokens: int | None
    corrected: CorrectedCurve


class EpisodeOptions(TypedDict):
    """
    Options of an episode, without its instruction, its method, its frames and their times.
    """

    id: NotRequired[str]
    """
    Your own id. The response repeats it unchanged.
    """
    likelihood: NotRequired[LikelihoodOptions]
    gvl: NotRequired[GvlOptions]
    prefixes: NotRequired[PrefixSelection]
    pipeline: NotRequired[Pipeline]
    frame_size: NotRequired[FrameSizeMode]
    max_pixels: NotRequired[int]
    """
    Most pixels per frame. Required with `frame_size: "budget"`, refused otherwise.
    """
    prompt: NotRequired[PromptVariant]
    answers: NotRequired[Answers]
    top_answers: NotRequired[int]
    """
    How many of the most likely next tokens of the longest prefix to return. With vLLM this is one more query, or one for each token if vLLM is busy with others.
    """
    success: NotRequired[SuccessRule]
    progress: NotRequired[ProgressRule]
    calibration: NotRequired[Calibration]
    training: NotRequired[TrainingOptions]
    controls: NotRequired[ControlOptions]
    undefined_voc: NotRequired[UndefinedVoc]
    include_token_ids: NotRequired[bool]
    """
    Whether the provenance includes the token ids of the longest prompt.
    """


class BatchItem(TypedDict):
    """
    One episode of a batch, and where its frames are in the form.
    """

    episode: Episode
    frame_count: NotRequired[int]
    """
    How many of the parts `frames`, in their order, belong to this episode. If neither this nor `video` is given, the next part `npy` or `video` belongs to it.
    """
    video: NotRequired[int]
    """
    Number of a part `video`, from 0. The episode is the range `from_s` to `to_s` of that video. Several items may use the same one.
    """


class BatchRequest(TypedDict):
    """
    A batch with its frames in base64.
    """

    items: list[RewardRequest]
    """
    The episodes. Each item is a complete request as for one episode.
    """


class Controls(TypedDict):
    """
    The requested controls. Those that were not requested are null.
    """

    static: StaticControl | None
    reversed: ControlCurve | None
    other_instruction: ControlCurve | None


class RewardResult(TypedDict):
    """
    An episode that was scored with the method `topreward`.
    """

    method: Literal["topreward"]
    """
    The method of the request.
    """
    id: NotRequired[str]
    """
    The `id` of the request, if it has one.
    """
    prefixes: list[PrefixReward]
    """
    The requested prefixes, in increasing length.
    """
    progress_curve: list[float] | None
    progress_scale: ProgressScale
    score: float
    """
    Mean `reward` of the longest prefixes, in nats. `success.final_prefixes` of the request says how many; the default is 3.
    """
    success: Success | None
    log_prob_range: LogProbRange
    voc: float | None
    training: TrainingSignals | None
    top_answers: list[TopAnswer] | None
    controls: Controls | None
    usage: Usage
    provenance: Provenance
    warnings: list[Warning]
    """
    Notes about this response; empty if there are none.
    """


class Batch(TypedDict):
    """
    The episodes of a batch, and which parts belong to which of them.
    """

    items: list[BatchItem]
    """
    The episodes, in the order of their parts.
    """


class BatchForm(TypedDict):
    """
    A batch as a form. The part `batch` must be before all files.
    """

    batch: Batch
    frames: NotRequired[list[str]]
    """
    JPEG, PNG or WebP files, one part each: first those of the first episode, then those of the second, and so on.
    """
    npy: NotRequired[list[str]]
    """
    NumPy files, uint8, shape (frames, height, width, 3): one for each item without `frame_count` and `video`.
    """
    video: NotRequired[list[str]]
    """
    MP4, WebM or MKV files: those that items name by number, and one for each item that names nothing.
    """


EpisodeResult: TypeAlias = RewardResult | LikelihoodResult | GvlResult
"""
A scored episode. `method` of the request decides which kind; without it, `topreward`.
"""


class ResultEvent(TypedDict):
    """
    The last line: the same result as in a response of one JSON document.
    """

    event: Literal["result"]
    """
    Kind of this line.
    """
    result: EpisodeResult


RewardEvent: TypeAlias = PrefixEvent | LikelihoodPrefixEvent | ResultEvent | ProblemEvent
"""
One line: any number of `prefix` lines (of `likelihood_prefix` lines with that method, none with `gvl`), in the order in which they are known, then one `result` or `problem`.
"""


class BatchResultEvent(TypedDict):
    """
    A scored episode. Its result equals that of a request of its own.
    """

    event: Literal["result"]
    """
    Kind of this line.
    """
    index: int
    """
    Number of the episode in `items`, from 0.
    """
    id: NotRequired[str]
    """
    The `id` of the episode, if the request has one.
    """
    result: EpisodeResult


BatchEvent: TypeAlias = BatchResultEvent | BatchProblemEvent | BatchEndEvent
"""
One line: a `result` or a `problem` for each episode, in the order in which they finish, then `end`.
"""
