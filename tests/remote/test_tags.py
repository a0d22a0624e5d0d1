"""Tags go to AWS in its form and come back in ours."""

import datetime

import pytest

from remote import tags


def test_tags_survive_the_way_there_and_back():
    given = {tags.RUN: "lstm-1", "Name": "x"}
    assert tags.tags_of({"Tags": tags.tag_list(given)}) == given
    assert tags.tags_of({}) == {}


def test_awss_own_tags_are_not_sent_back():
    assert tags.tag_list({"aws:backup:source": "x", "a": 1}) == [{"Key": "a", "Value": "1"}]


def test_each_resource_type_gets_the_same_tags():
    made = tags.tag_specifications({"a": "b"}, "instance", "volume")
    assert [part["ResourceType"] for part in made] == ["instance", "volume"]
    assert all(part["Tags"] == [{"Key": "a", "Value": "b"}] for part in made)


def test_a_filter_takes_one_value_or_several():
    assert tags.filters({"a": "b", "c": ("d", "e")}) == [
        {"Name": "a", "Values": ["b"]},
        {"Name": "c", "Values": ["d", "e"]},
    ]


@pytest.mark.parametrize("text", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05"])
def test_a_time_is_read_as_utc(text):
    moment = tags.moment(text)
    assert moment == datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    assert tags.iso(moment) == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize("text", ["", None, "tomorrow"])
def test_what_is_no_time_is_none(text):
    assert tags.moment(text) is None
