"""The extra credit of step 6 stays what it is: red at first, and a small change away from green."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]

SOLUTION = """
import sys
import pytest
from annotator.drawing import words

plain = words.words

def with_smile(face):
    smiling = face.smile and face.smile.value and face.smile.confidence >= words.SURE_FROM
    return plain(face) + (", smiling" if smiling else "")

words.words = with_smile
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "exercise"]))
"""


def exercise(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)


def test_the_exercise_begins_with_exactly_one_red_test():
    outcome = exercise("import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'exercise']))")
    assert outcome.returncode == 1
    assert "1 failed, 3 passed" in outcome.stdout


def test_the_exercise_can_be_solved_in_one_small_function():
    outcome = exercise("import sys; sys.path.insert(0, 'lambda/photo_annotator')\n" + SOLUTION)
    assert outcome.returncode == 0, outcome.stdout
    assert "4 passed" in outcome.stdout
