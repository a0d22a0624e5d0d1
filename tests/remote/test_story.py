"""What a job prints reaches the terminal as text: no escape, no bell, no cursor movement."""

from hypothesis import given
from hypothesis import strategies as st

from remote import follow, story


@given(st.text())
def test_only_newlines_and_tabs_are_left_of_the_control_characters(text):
    shown = story.printable(text)
    assert all(char in "\n\t" or char.isprintable() for char in shown) and len(shown) == len(text)


@given(
    st.dictionaries(
        st.sampled_from(["epoch", "epochs", "step", "steps", "loss", "seconds_left"]),
        st.none() | st.integers() | st.text() | st.floats(),
    )
)
def test_any_progress_makes_a_line_or_none(progress):
    assert isinstance(follow.progress_line(progress), str)


def test_progress_reads_as_a_person_would_say_it():
    line = follow.progress_line(
        {"epoch": 3, "epochs": 12, "step": 45, "steps": 90, "loss": 1.5204, "seconds_left": 41.4}
    )
    assert line == "epoch 3/12 [##########          ]  50%  loss 1.520  41 s left"


def test_gpu_line_from_nvidia_smi():
    line = follow.gpu_line("2026/01/31 12:00:00.000, Tesla T4, 87, 5120, 15360, 64, 68.1")
    assert line == "GPU 87 %, 5120/15360 MiB, 64 C"
