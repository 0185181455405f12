"""The figures of arXiv 2602.19313 (version 1), for the datasets that it names."""

import re
from typing import NamedTuple


class OpenX(NamedTuple):
    """A row of table 6: mean VOC of GVL and TOPReward with Qwen3-VL-8B, Gemini-2.5-Pro and Molmo2-8B."""

    qwen_gvl: float
    qwen_topreward: float
    gemini_gvl: float
    gemini_topreward: float
    molmo_gvl: float
    molmo_topreward: float


class ManiReward(NamedTuple):
    """A row of table 2: mean VOC. Gemini's interface forces a chat template, which harms TOPReward."""

    molmo_gvl: float
    molmo_topreward: float
    qwen_gvl: float
    qwen_topreward: float
    gemini_gvl: float
    gemini_topreward: float


class Chat(NamedTuple):
    """A row of table 5: mean VOC of TOPReward without and with a chat template."""

    qwen_open: float
    qwen_chat: float
    molmo_open: float
    molmo_chat: float


class Static(NamedTuple):
    """The authors' static-frame sweep: VOC of the real and of the static video, and their final rewards in nats."""

    real_voc: float
    static_voc: float
    real_final: float
    static_final: float


TABLE_1 = OpenX(0.194, 0.857, 0.541, 0.433, -0.016, 0.417)
"""Mean VOC over the 39 datasets of Open X-Embodiment, 20 episodes each."""

TABLE_2 = {
    "manirewardbench_lerobot": ManiReward(-0.001, 0.595, 0.332, 0.954, 0.620, 0.578),
    "manirewardbench_franka": ManiReward(0.000, 0.662, 0.242, 0.942, 0.695, 0.448),
    "manirewardbench_bimanual_yam": ManiReward(0.007, 0.565, 0.164, 0.947, 0.566, 0.546),
    "manirewardbench_single_yam": ManiReward(-0.017, 0.642, 0.544, 0.945, 0.752, 0.488),
}
"""ManiRewardBench. Single-arm YAM is called ``single_yam`` here."""

FAILED_SET = "manirewardbench_lerobot_failed"
"""The labelled set of table 3: 23 tasks, 156 episodes."""

TABLE_3 = {"qwen_gvl": 0.519, "qwen_topreward": 0.654, "gemini_gvl": 0.823, "gemini_topreward": 0.826}
"""ROC-AUC of success. The score of TOPReward is the mean of the last three prefixes, that of GVL is its VOC."""

FAILED_VOC, SUCCESSFUL_VOC = 0.946, 0.943
"""Mean VOC of failed and of successful episodes of the same set."""

PLATEAU_VOC = 0.85
"""Figure 5: synthetic curves that stop rising at 80, 50 and 30 % still have at least this VOC."""

TABLE_5 = {
    "manirewardbench_bimanual_yam": Chat(0.947, 0.269, 0.570, 0.408),
    "manirewardbench_franka": Chat(0.943, 0.528, 0.696, 0.615),
    "manirewardbench_single_yam": Chat(0.946, 0.703, 0.691, 0.546),
}

STATIC_SWEEP = {
    "manirewardbench_lerobot": {
        "Qwen3-VL-8B": Static(0.9503, 0.9870, -0.0988, -9.2375),
        "Qwen3-VL-32B": Static(0.8944, 0.0506, -0.0192, -6.05),
        "Qwen3-VL-30B-A3B": Static(0.9516, 0.8543, -0.6686, -8.5125),
        "Qwen3.5-35B-A3B": Static(0.4417, 0.1515, -6.175, -7.05),
        "Qwen3.5-9B": Static(-0.6647, -0.9111, -2.6313, -2.5625),
    },
    "manirewardbench_franka": {
        "Qwen3-VL-8B": Static(0.9618, 0.9912, -3.9266, -6.7812),
        "Qwen3-VL-32B": Static(0.5954, -0.5701, -0.4109, -4.2562),
        "Qwen3-VL-30B-A3B": Static(0.9560, 0.9206, -1.2887, -7.2781),
        "Qwen3.5-35B-A3B": Static(0.1054, 0.1952, -6.925, -6.425),
        "Qwen3.5-9B": Static(-0.1501, -0.8042, -2.9281, -3.8875),
    },
    "manirewardbench_bimanual_yam": {
        "Qwen3-VL-8B": Static(0.8318, 0.4901, -0.3541, -1.2773),
        "Qwen3-VL-32B": Static(0.7115, -0.7516, -0.2982, -5.5),
        "Qwen3-VL-30B-A3B": Static(0.9459, 0.9439, -0.8402, -2.3969),
        "Qwen3.5-35B-A3B": Static(0.2832, 0.7601, -5.675, -5.125),
        "Qwen3.5-9B": Static(-0.8785, -0.9681, -2.4312, -2.8438),
    },
    "manirewardbench_single_yam": {
        "Qwen3-VL-8B": Static(0.9456, 0.9845, -3.9219, -5.1063),
        "Qwen3-VL-32B": Static(0.9093, -0.4949, -0.1040, -5.575),
        "Qwen3-VL-30B-A3B": Static(0.9659, 0.9750, -3.0562, -3.4891),
        "Qwen3.5-35B-A3B": Static(0.2910, 0.7223, -6.5, -5.8),
        "Qwen3.5-9B": Static(-0.7906, -0.8996, -2.5719, -2.7344),
    },
}
"""From the report of the authors' repository (commit bc61380), which has another choice of prefixes."""

TABLE_6 = {
    "aloha_mobile_cabinet": OpenX(0.199, 0.822, 0.814, 0.422, 0.000, 0.211),
    "aloha_mobile_wash_pan": OpenX(0.127, 0.977, 0.856, 0.734, 0.012, 0.893),
    "aloha_mobile_wipe_wine": OpenX(0.243, 0.961, 0.699, 0.825, 0.000, 0.804),
    "aloha_static_candy": OpenX(0.414, 0.963, 0.697, 0.803, 0.000, 0.842),
    "aloha_static_coffee": OpenX(0.101, 0.977, 0.877, 0.114, 0.012, 0.400),
    "aloha_static_cups_open": OpenX(0.271, 0.837, 0.524, 0.765, 0.000, 0.864),
    "aloha_static_pro_pencil": OpenX(0.000, 0.963, 0.457, -0.029, 0.000, 0.225),
    "aloha_static_screw_driver": OpenX(0.212, 0.937, 0.833, 0.171, 0.000, 0.925),
    "aloha_static_vinh_cup": OpenX(0.332, 0.916, 0.836, 0.723, 0.000, 0.971),
    "aloha_static_vinh_cup_left": OpenX(-0.057, 0.903, 0.458, 0.898, -0.050, 0.707),
    "aloha_static_ziploc_slide": OpenX(0.301, 0.978, 0.845, 0.394, 0.000, 0.918),
    "asu_table_top": OpenX(0.206, 0.949, 0.303, 0.301, 0.000, -0.127),
    "austin_buds_dataset": OpenX(0.347, 0.954, 0.777, -0.055, 0.000, 0.908),
    "austin_sirius_dataset": OpenX(0.242, 0.854, 0.704, 0.701, 0.000, 0.119),
    "berkeley_fanuc_manipulation": OpenX(0.201, 0.866, 0.422, 0.333, 0.000, -0.077),
    "berkeley_rpt": OpenX(0.399, 0.983, 0.303, 0.600, 0.000, 0.605),
    "berkeley_mvp": OpenX(0.240, 0.966, 0.744, 0.564, 0.000, 0.472),
    "cmu_franka_exploration_dataset": OpenX(0.000, 0.626, 0.622, 0.272, 0.000, 0.325),
    "cmu_play_fusion": OpenX(0.069, 0.975, 0.204, 0.576, 0.000, -0.496),
    "cmu_stretch": OpenX(0.119, 0.962, 0.478, 0.501, 0.000, -0.388),
    "columbia_cairlab_pusht_real": OpenX(-0.036, 0.243, 0.231, 0.632, 0.000, -0.244),
    "dlr_edan_shared_control": OpenX(0.166, 0.867, 0.651, 0.583, -0.600, 0.770),
    "dlr_sara_grid_clamp": OpenX(0.000, 0.740, 0.253, -0.166, 0.000, 0.562),
    "dlr_sara_pour": OpenX(0.251, 0.721, 0.351, 0.374, 0.000, 0.081),
    "jaco_play": OpenX(0.090, 0.907, 0.513, 0.508, 0.000, -0.299),
    "kaist_nonprehensile": OpenX(0.158, 0.914, 0.491, 0.349, 0.000, 0.251),
    "nyu_door_opening_surprising_effectiveness": OpenX(0.608, 0.802, 0.872, 0.729, 0.000, 0.650),
    "nyu_franka_play_dataset": OpenX(0.232, 0.875, 0.772, 0.494, 0.059, 0.865),
    "stanford_hydra_dataset": OpenX(0.164, 0.973, 0.379, 0.557, 0.000, 0.091),
    "stanford_kuka_multimodal_dataset": OpenX(0.122, 0.821, -0.390, -0.055, 0.000, 0.493),
    "stanford_robocook": OpenX(0.035, 0.443, 0.329, 0.521, 0.000, 0.582),
    "taco_play": OpenX(0.015, 0.779, 0.050, 0.024, 0.000, 0.342),
    "tokyo_u_lsmo": OpenX(0.215, 0.977, 0.690, 0.501, 0.000, 0.719),
    "ucsd_kitchen_dataset": OpenX(0.183, 0.718, 0.542, -0.006, 0.000, 0.228),
    "ucsd_pick_and_place_dataset": OpenX(0.090, 0.819, 0.683, 0.520, 0.000, 0.605),
    "utaustin_mutex": OpenX(-0.217, 0.735, 0.666, 0.297, 0.000, 0.111),
    "utokyo_pr2_opening_fridge": OpenX(0.485, 0.957, 0.372, 0.644, -0.075, 0.849),
    "utokyo_pr2_tabletop_manipulation": OpenX(0.784, 0.946, 0.696, 0.485, 0.000, 0.121),
    "utokyo_xarm_bimanual": OpenX(0.266, 0.815, 0.495, 0.277, 0.000, 0.386),
}
"""Every dataset of Open X-Embodiment in the paper. Their ids at Hugging Face are ``lerobot/<name>``."""

_NAMES = frozenset([*TABLE_6, *TABLE_2, FAILED_SET])


def published_name_of(text: str) -> str | None:
    """Return the name under which the paper has figures; null if it has none.

    :param text: an id (``lerobot/jaco_play``), a path or a name; upper case and ``-`` for ``_`` are accepted
    """
    name = re.split(r"[/\\]", text.strip().rstrip("/\\"))[-1].lower().replace("-", "_").replace(" ", "_")
    return name if name in _NAMES else None
