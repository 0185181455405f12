"""What the words of the report mean, where others use the same word for something else."""

from typing import TypedDict


class Definition(TypedDict):
    """A term, what it means here, and where that comes from."""

    term: str
    meaning: str
    source: str


def _definition(term: str, meaning: str, source: str) -> Definition:
    return {"term": term, "meaning": meaning, "source": source}


DEFINITIONS = (
    _definition(
        "VOC",
        "Spearman's rank correlation between the rewards of the prefixes and their order, equal rewards with average "
        "ranks. Undefined if all rewards are equal; such episodes are left out of the mean and counted.",
        "arXiv 2411.04549; the service's member voc",
    ),
    _definition(
        "VOC, undefined as 0",
        "The same mean, with 0 for episodes without a VOC. GVL's mean counts this way; that of the authors' TOPReward "
        "code becomes undefined instead.",
        "topreward/metrics/voc.py, commit bc61380",
    ),
    _definition(
        "VOC of equation 4",
        "The paper correlates argsort of the rewards with time. Without equal rewards this is the same number. With "
        "equal ones it can be higher: argsort orders them by time. The authors' code uses ranks, as this report does.",
        "arXiv 2602.19313, equation 4",
    ),
    _definition(
        "Pearson r (Robometer's “VOC r”)",
        "Pearson's correlation between the rewards of an episode and time, 0 if undefined. It is not comparable with VOC.",
        "robometer/evals/eval_metrics_utils.py, commit c7f38e2",
    ),
    _definition(
        "Kendall τ-a (Robometer's “Kendall τ”)",
        "(C − D) / (n(n − 1)/2) over all pairs of prefixes: C rise, D fall, equal ones count as neither.",
        "robometer/evals/compile_results.py, commit c7f38e2",
    ),
    _definition(
        "Score",
        "Mean reward of the last prefixes of an episode, three by default, in nats.",
        "arXiv 2602.19313, section 5.3",
    ),
    _definition(
        "AUC",
        "The share of all pairs of a success and a failure in which the success has the higher value, equal ones "
        "counted half. 0.5 is guessing. The second version of the paper mixes two values that are scaled over the "
        "whole set; its .939 is not this number.",
        "Mann–Whitney; arXiv 2602.19313, table 3",
    ),
    _definition(
        "95 % interval",
        "Percentile bootstrap over episodes. For an AUC, successes and failures are drawn separately. Fewer than "
        "three episodes have none. It shows the chance of the choice of episodes only: not other tasks, cameras or "
        "wordings.",
        "Efron, 1979",
    ),
    _definition(
        "Newcombe interval",
        "Interval of an AUC that does not shrink to a point if all pairs are right. The service's calibrations have it.",
        "Newcombe, Statistics in Medicine 25, 2006, method 5",
    ),
    _definition(
        "Static",
        "The first frame, repeated to the length of the episode. Its VOC is mostly noise if its span is small.",
        "reports/manirewardbench_static_frame_sweep.md, commit bc61380",
    ),
    _definition(
        "Reversed",
        "The frames of the episode from the last to the first.",
        "the service's controls",
    ),
    _definition(
        "Wrong instruction",
        "The episode with the instruction of another one.",
        "the service's controls",
    ),
    _definition(
        "Final reward",
        "Reward of the last prefix. Without other answers it is the log probability of True.",
        "arXiv 2602.19313",
    ),
    _definition(
        "Explained by time",
        "Share of the variance of the rewards of all episodes together that is between the means of 15 steps of time "
        "(η²). It is high for good rewards too, because successes do progress with time: compare it with that of the "
        "static videos.",
        "this report; the paper's second version has an analysis of the same name",
    ),
    _definition(
        "Plateau",
        "The episode's own rewards, held constant from 80, 50 or 30 % of its prefixes on. A VOC that stays high does "
        "not see that the robot stopped. The paper uses synthetic curves; the straight line is this report's own.",
        "arXiv 2602.19313, figure 5",
    ),
    _definition(
        "Flat",
        "The rewards change less than the noise of the engine, so their order is mostly noise. These episodes are in "
        "all means.",
        "the service's member log_prob_range.flat",
    ),
    _definition(
        "Probability of an answer",
        "Probability of the texts for True after the complete video, not of the last three prefixes.",
        "arXiv 2602.19313, appendix B",
    ),
    _definition(
        "Instruction likelihood",
        "Log probability of the words of the instruction. The paper's is the sum, so long instructions are lower; the "
        "mean per token is not in the paper.",
        "arXiv 2602.19313, equation 6",
    ),
    _definition(
        "GVL",
        "The model writes a percentage for each of the frames, in random order. Its score is its VOC. Answers with "
        "missing frames are failures: left out of one mean, 0 in the other.",
        "arXiv 2411.04549; the authors' repository",
    ),
    _definition(
        "Gate",
        "A dataset is kept if its mean score reaches the bar. The authors used three frames from the end of at most "
        "ten episodes; here the score is that of all episodes and the requested prefixes.",
        "arXiv 2605.02881; scripts/batch_predict.sh, commit bc61380",
    ),
)
