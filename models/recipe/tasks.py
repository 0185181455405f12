"""The training tasks of topreward-pico: Meta-World tasks, their objects, their progress and their wordings.

Progress depends only on the state of the simulator, never on time:
``progress = place + (1 - place) * REACH * reach``. ``place`` says how far the object has moved (a joint, or the distance to the
goal), and ``reach`` how near the hand is to the object. All three are in 0..1, on scales that are fixed per task (medians over
scripted experts), so that a single frame determines them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

REACH = 0.3  # progress when the hand is at the object and the object has not moved


@dataclass(frozen=True)
class Task:
    """One task. Its scene is the Meta-World environment of the same name. In a scene, all tasks with the same object have progress."""

    name: str
    object: str
    way: tuple[float, float]  # joint position (radians or metres) or distance to the goal (metres): at the start, at success
    hand: tuple[float, float]  # distance between hand and object (metres): at the start, in contact
    phrases: tuple[str, ...]  # for training
    held_out: tuple[str, ...]  # for evaluation only
    joint: bool = False  # whether ``way`` is a joint position, not a distance
    settle: int = 0  # keyframes to skip at the start, when the hand starts at the object and first moves away


TASKS = (
    Task("drawer-open", "drawer", (0.0, -0.166), (0.2, 0.03),
         ("open the drawer", "pull the drawer open", "pull out the green drawer", "slide the drawer out", "make the drawer open",
          "open the green drawer", "get the drawer open"),
         ("pull the green drawer out", "slide open the drawer"), joint=True),
    Task("drawer-close", "drawer", (-0.155, -0.027), (0.2, 0.04),
         ("close the drawer", "push the drawer shut", "push in the green drawer", "slide the drawer in", "make the drawer shut",
          "shut the green drawer", "get the drawer closed"),
         ("push the green drawer in", "shut the drawer"), joint=True, settle=10),
    Task("door-open", "door", (0.0, -1.38), (0.28, 0.07),
         ("open the door", "pull the door open", "swing the door open", "open the safe door", "make the door open",
          "pull open the gray door", "get the door open"),
         ("pull open the door", "open the gray door"), joint=True),
    Task("door-close", "door", (-1.3, -0.15), (0.33, 0.2),
         ("close the door", "push the door shut", "swing the door shut", "close the safe door", "make the door shut",
          "shut the gray door", "get the door closed"),
         ("shut the door", "close the gray door"), joint=True),
    Task("window-open", "window", (0.0, 0.195), (0.28, 0.1),
         ("open the window", "slide the window open", "push the window open", "move the window handle to the right",
          "make the window open", "get the window open", "open the glass window"),
         ("push open the window", "slide open the glass window"), joint=True),
    Task("window-close", "window", (0.2, 0.038), (0.35, 0.1),
         ("close the window", "slide the window shut", "push the window shut", "move the window handle to the left",
          "make the window shut", "get the window closed", "shut the glass window"),
         ("shut the window", "close the glass window"), joint=True),
    Task("faucet-open", "faucet", (0.0, 1.39), (0.26, 0.07),
         ("open the faucet", "turn on the faucet", "turn the faucet on", "switch on the tap", "open the tap",
          "rotate the faucet handle to open it", "get the tap open"),
         ("turn on the tap", "rotate the tap handle to open it"), joint=True),
    Task("faucet-close", "faucet", (0.0, -1.28), (0.26, 0.07),
         ("close the faucet", "turn off the faucet", "turn the faucet off", "switch off the tap", "close the tap",
          "rotate the faucet handle to close it", "get the tap closed"),
         ("turn off the tap", "rotate the tap handle to close it"), joint=True),
    Task("button-press", "button", (0.09, 0.02), (0.29, 0.07),
         ("press the button", "push the button", "press the red button", "push the red button in", "hit the button",
          "press the button on the box", "get the button pressed"),
         ("push in the red button", "hit the red button")),
    Task("handle-press", "handle", (0.0, -0.08), (0.15, 0.04),
         ("press the handle", "press the handle down", "push the handle down", "push down the red handle", "lower the handle",
          "press down the handle", "get the handle down"),
         ("push down the handle", "lower the red handle"), joint=True, settle=9),
    Task("plate-slide", "plate", (0.29, 0.07), (0.18, 0.08),
         ("slide the plate into the net", "push the plate into the goal", "slide the plate forward", "move the plate into the cabinet",
          "push the puck into the net", "shove the plate into the net", "get the plate into the goal"),
         ("push the plate into the net", "slide the puck into the goal")),
    Task("basketball", "basketball", (0.57, 0.08), (0.18, 0.03),
         ("put the basketball in the hoop", "dunk the basketball", "drop the ball into the basket", "throw the basketball through the hoop",
          "pick up the basketball and put it in the basket", "dunk the ball into the hoop", "get the basketball into the hoop"),
         ("drop the basketball into the hoop", "put the ball into the basket")),
    Task("shelf-place", "shelf", (0.44, 0.07), (0.2, 0.04),
         ("put the block on the shelf", "place the cube on the shelf", "pick up the block and place it on the shelf",
          "move the cube onto the shelf", "set the block on the shelf", "lift the cube onto the shelf", "get the block onto the shelf"),
         ("place the block on the shelf", "lift the block onto the shelf")),
    Task("coffee-push", "coffee", (0.17, 0.07), (0.27, 0.07),
         ("push the mug under the coffee machine", "move the cup to the coffee machine", "slide the mug under the machine",
          "push the cup toward the coffee machine", "place the mug under the coffee machine", "bring the mug to the machine",
          "get the cup under the coffee machine"),
         ("push the cup under the machine", "slide the mug to the coffee machine")),
    Task("sweep-into", "hole", (0.21, 0.05), (0.15, 0.03),
         ("sweep the cube into the hole", "push the block into the hole", "sweep the block into the square hole",
          "move the cube into the hole in the table", "shove the block into the hole", "drop the cube into the hole",
          "get the cube into the hole"),
         ("sweep the block into the hole", "push the cube into the square hole")),
    Task("soccer", "soccer", (0.2, 0.07), (0.2, 0.05),
         ("kick the soccer ball into the goal", "push the ball into the goal", "move the soccer ball to the goal",
          "score a goal with the ball", "roll the ball into the soccer goal", "shoot the ball at the goal",
          "get the soccer ball into the goal"),
         ("push the soccer ball into the goal", "roll the ball into the goal")),
)
FORMS = ("{P}.", "{P}.", "{p}", "{p}.", "{P}", "Please {p}.", "The robot should {p}.", "The robot arm must {p}.")
BY_NAME = {task.name: task for task in TASKS}


def asked_in(scene: str) -> list[Task]:
    """The tasks that have progress in a scene: its own task, and others with the same object."""
    return [task for task in TASKS if task.object == BY_NAME[scene].object]


def worded(phrase: str, form: str) -> str:
    """A phrase as an instruction."""
    return form.format(p=phrase, P=phrase.capitalize())


def progress(task: Task, joint: Array, distance: Array, hand_distance: Array) -> Array:
    """Progress in 0..1.

    :param joint: the object's joint, for tasks that read it (radians or metres)
    :param distance: object to goal, for the others (metres)
    :param hand_distance: hand to object (metres)
    """
    way, there = task.way
    place = np.clip((way - (joint if task.joint else distance)) / (way - there), 0.0, 1.0)
    far, near = task.hand
    reach = np.clip((far - hand_distance) / (far - near), 0.0, 1.0)
    return place + (1.0 - place) * REACH * reach
