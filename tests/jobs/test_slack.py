"""A Slack export reads as a reader would wish, only what was selected leaves the machine, and it can be learnt."""

import json
import shutil
import time

import pytest

from jobs import lstm_slack
from jobs.parameters import BadInput, NotFound
from jobs.sample import main
from jobs.text import slack_export, speaking
from jobs.text.slack_export import Selection, conversations

DAY = 1_704_103_200  # 2024-01-01 10:00 UTC


def said(user, text, minute, **more):
    return {"type": "message", "user": user, "text": text, "ts": f"{DAY + 60 * minute}.000100", **more}


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """An export's folder, in Slack's real format."""
    folder = tmp_path_factory.mktemp("export")
    thread = {"thread_ts": f"{DAY}.000100"}
    files = {
        "users.json": [
            {"id": "U1", "name": "alice", "real_name": "Alice Liddell", "profile": {"display_name": "Alice"}},
            {"id": "U2", "name": "bstone", "profile": {"display_name": "", "real_name": "Bob Stone"}},
            {"id": "U3", "name": "cron", "is_bot": True, "profile": {}},
        ],
        "channels.json": [{"id": "C1", "name": "general"}, {"id": "C2", "name": "random"}],
        "dms.json": [{"id": "D1", "members": ["U1", "U2"]}],
        "general/2024-01-01.json": [
            said("U1", "who knows <https://keras.io/api|Keras>? <@U2>, <!here>", 0, **thread, reply_count=1),
            said("U2", "has joined", 1, subtype="channel_join"),
            said("U1", "another &lt;matter&gt;: see <#C2|random> or <https://a.org/x?y=1>", 2),
            said("U2", "me\n\n ```if True:\n  pass```\n:wave::skin-tone-2:", 3, **thread, parent_user_id="U1"),
            said("U3", "build failed", 4, bot_id="B1"),
            said("U9", "gone", 5),
            said("U2", "", 6, files=[{"name": "cat.png"}]),
        ],
        "general/2024-01-02.json": [said("U2", "next day", 1440)],
        "random/2024-01-01.json": [said("U2", "<@U7> hm <mailto:a@b.org|a@b.org>", 30)],
        "D1/2024-01-01.json": [said("U1", "between us", 40)],
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


GENERAL = [
    "#general\nAlice: who knows Keras? @Bob Stone, @here\nBob Stone: me\n  (code)\n  :wave:\n\n",
    "#general\nAlice: another <matter>: see #random or a.org\nSomeone U9: gone\nBob Stone: (cat.png)\n\n",
]
BY_ALICE = ["#general\nAlice: who knows Keras? @Bob Stone, @here\nAlice: another <matter>: see #random or a.org\n\n"]
RANDOM = "#random\nBob Stone: @someone hm a@b.org\n\n"
DIRECT = "#Alice and Bob Stone\nAlice: between us\n\n"
LATER = "#general\nBob Stone: next day\n\n"


def test_an_export_reads_as_conversations(export, tmp_path):
    expected = [*GENERAL, RANDOM, DIRECT, LATER]
    assert conversations(export, Selection()) == expected
    shutil.make_archive(str(tmp_path / "export"), "zip", export)
    assert conversations(tmp_path / "export.zip", Selection()) == expected


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(channels=("#General",)), [*GENERAL, LATER]),
        (Selection(channels=("random", "general"), until="2024-01-01"), [*GENERAL, RANDOM]),
        (Selection(since="2024-01-02"), [LATER]),
        (Selection(people=("alice",), channels=("general",)), BY_ALICE),
        (Selection(people=("bstone",), since="2024-01-02"), [LATER]),
    ],
)
def test_people_channels_and_days_are_chosen(export, selection, expected):
    assert conversations(export, selection) == expected


def test_names_that_are_not_there_are_told(export, tmp_path):
    with pytest.raises(BadInput, match="No person 'zoe'.*There are: Alice, Bob Stone"):
        conversations(export, Selection(people=("zoe",)))
    with pytest.raises(BadInput, match="No channel 'secret'.*general, random"):
        conversations(export, Selection(channels=("secret",)))
    with pytest.raises(BadInput, match="Expected a day as YYYY-MM-DD, got 'May'"):
        slack_export.day("May")
    with pytest.raises(BadInput, match="Expected a Slack export"):
        conversations(tmp_path / "none.zip", Selection())
    with pytest.raises(BadInput, match="Expected users.json"):
        conversations(tmp_path, Selection())


def changed(export, folder, **changes):
    """A copy of the export, some of its files replaced: {name: content}; "__" stands for "/"."""
    shutil.copytree(export, folder)
    for name, content in changes.items():
        path = folder / f"{name.replace('__', '/')}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def test_what_is_no_message_is_passed_over(export, tmp_path):
    more = {
        "general__canvas_in_the_conversation": {"id": "F1", "title": "plan"},
        "general__2024-01-03": {"not": "a list"},
        "general__2024-01-04": [
            None,
            "x",
            {"type": "message"},
            said("U1", "", 0),
            said("U1", "no ts", 0) | {"ts": None},
        ],
        "general__2024-01-05": [said("U1", "two", 6000, thread_ts=[], files=[None], blocks={}), {"ts": "never"}],
        "integration_logs": {"x": 1},
        "canvases": None,
        "lists": None,
        "FC:F1:plan__2024-01-01": [said("U1", "on the canvas", 0)],
        "groups": [{"id": "FC1", "name": "FC:F1:plan"}, {"id": "C5"}, {}],
        "mpims": None,
        "dms": [{"id": "D1"}],
    }
    found = conversations(changed(export, tmp_path / "export", **more), Selection(since="2024-01-01"))
    assert found == [*GENERAL, RANDOM, "#D1\nAlice: between us\n\n", LATER, "#general\nAlice: two\n\n"]


def test_people_need_not_have_all_that_slack_knows_of_most(export, tmp_path):
    users = [
        {"id": "U1", "profile": None},
        {"id": "U2", "name": "bob", "profile": {"display_name": ": #"}},
        {"name": 7},
    ]
    found = "".join(conversations(changed(export, tmp_path / "export", users=users), Selection()))
    assert "Someone U1: another" in found
    assert "\nbob: (cat.png)" in found


def test_who_is_of_another_organisation_has_a_name_as_well(export, tmp_path):
    guest = {"user_profile": {"display_name": "", "real_name": "Carol Chu", "name": "cchu"}}
    rows = [said("U1", "<@U8>?", 0), said("U8", "here", 1, **guest), said("U8", "again", 2), said("U9", "who?", 3)]
    folder = changed(export, tmp_path / "export", **{"random__2024-01-01": rows})
    assert conversations(folder, Selection(channels=("random",))) == [
        "#random\nAlice: @Carol Chu?\nCarol Chu: here\nCarol Chu: again\nSomeone U9: who?\n\n"
    ]
    expected = ["#random\nCarol Chu: here\nCarol Chu: again\n\n"]
    assert conversations(folder, Selection(channels=("random",), people=("cchu",))) == expected


def test_exports_of_an_organisation_packed_again_with_ids_as_folders(export, tmp_path):
    folder = changed(export, tmp_path / "a" / "export")
    (folder / "users.json").rename(folder / "org_users.json")
    (folder / "random").rename(folder / "C2")
    (folder / ".DS_Store").write_bytes(b"\0\1")
    (folder / "general" / "._2024-01-01.json").write_bytes(b"\0\5\x16\7")
    shutil.make_archive(str(tmp_path / "export"), "zip", tmp_path / "a")
    for path in (folder, tmp_path / "export.zip"):
        assert conversations(path, Selection()) == [*GENERAL, RANDOM, DIRECT, LATER]


def section(*elements):
    return {"type": "rich_text_section", "elements": list(elements)}


def words(text):
    return {"type": "text", "text": text}


RICH = {
    "type": "rich_text",
    "elements": [
        section(
            words("on "), {"type": "link", "url": "https://a.org/x"}, words(" & "), {"type": "user", "user_id": "U2"}
        ),
        {"type": "rich_text_list", "style": "bullet", "elements": [section(words("one")), section(words("two"))]},
        {"type": "rich_text_list", "style": "ordered", "offset": 2, "elements": [section(words("three"))]},
        {"type": "rich_text_quote", "elements": [words("so\nsaid "), {"type": "link", "url": "u", "text": "he"}]},
        {"type": "rich_text_preformatted", "elements": [words("if True:\n  pass")]},
        section(
            {"type": "channel", "channel_id": "C2"},
            {"type": "emoji", "name": "wave"},
            {"type": "usergroup", "usergroup_id": "S1"},
            {"type": "broadcast", "range": "here"},
            {"type": "date", "timestamp": 1, "fallback": "today"},
            {"type": "new in 2030"},
        ),
    ],
}
READ = """on a.org & @Bob Stone
  • one
  • two
  3. three
  > so
  > said he
  (code)
  #random:wave:@group@heretoday"""


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"blocks": [RICH]}, READ),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<@U2> &lt;3"}}]}, "@Bob Stone <3"),
        ({"attachments": [{"is_share": True, "text": "from <#C2>", "fallback": "[today] bob: f"}]}, "from #random"),
        ({"attachments": [{"fallback": "a poll"}], "text": "mine"}, "mine"),
        ({"text": "<#C2|> <#C2> <#C7|> <#C7|old>"}, "#random #random #channel #old"),
        ({"text": "<!subteam^S1> <!subteam^S1|@devs> <!here|here>"}, "@group @devs @here"),
        ({"text": "<!date^1392734382^{date_num}^https://a.org|18 Feb> <!date^1^x>"}, "18 Feb (date)"),
        ({"text": "<http://[oops> <tel:+49|+49> <mailto:a@b.org>"}, "(link) +49 a@b.org"),
    ],
)
def test_a_message_reads_as_people_see_it(export, tmp_path, row, expected):
    rows = [said("U1", "", 0) | row]
    folder = changed(export, tmp_path / "export", **{"random__2024-01-01": rows})
    assert conversations(folder, Selection(channels=("random",))) == [f"#random\nAlice: {expected}\n\n"]


def test_groups_of_people_have_names_where_the_export_has_them(export, tmp_path):
    rows = {"random__2024-01-01": [said("U1", "<!subteam^S1>", 0)], "usergroups": [{"id": "S1", "handle": "devs"}]}
    folder = changed(export, tmp_path / "export", **rows)
    assert conversations(folder, Selection(channels=("random",))) == ["#random\nAlice: @devs\n\n"]


def test_only_what_was_selected_is_packed(export, tmp_path):
    params = lstm_slack.Parameters(export=str(export), channels="random", people="bstone")
    packed = lstm_slack.pack(params, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["conversations.txt"]
    assert (tmp_path / "conversations.txt").read_text() == RANDOM
    assert packed.export == str(tmp_path / "conversations.txt")
    with pytest.raises(BadInput, match="No message"):
        lstm_slack.pack(lstm_slack.Parameters(export=str(export), since="2025-01-01"), tmp_path)
    with pytest.raises(BadInput, match="Expected a Slack export: --export"):
        lstm_slack.pack(lstm_slack.Parameters(), tmp_path)


def test_a_sample_is_a_conversation(export, tmp_path, capsys):
    packed = tmp_path / "conversations.txt"
    packed.write_text("".join(conversations(export, Selection())) * 30)
    out = tmp_path / "lstm_slack-20260101-000000-0000" / "out"
    sizes = {"units": 32, "epochs": 6, "batch": 4, "timesteps": 20, "sample_length": 10}
    lstm_slack.train(lstm_slack.Parameters(export=str(packed), **sizes), out)
    capsys.readouterr()
    wish = ["--runs-dir", str(tmp_path), "--as", "bob", "--in", "gen", "--length", "30", "--temperature", "0"]
    assert main(wish) == 0
    assert capsys.readouterr().out.startswith("#general\nBob Stone: ")
    assert main(["--runs-dir", str(tmp_path), "--as", "Zoe"]) == 3
    people = "Alice, Bob Stone, Someone U9"
    assert f"Expected the name of one person, got 'Zoe'. There are: {people}." in capsys.readouterr().err


def test_other_models_know_nobody(tiny_run):
    with pytest.raises(NotFound, match="learnt no conversations"):
        speaking.opening(tiny_run / "out", "alice", "")


def test_many_conversations_take_time_in_proportion(tmp_path):
    rows = [said("U1", "hi", 120 * number) for number in range(60_000)]
    files = {"users.json": [{"id": "U1", "name": "alice"}], "channels.json": [{"name": "general"}]}
    for name, content in {**files, "general/2024-01-01.json": rows}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    started = time.process_time()
    assert len(conversations(tmp_path, Selection())) == 60_000
    assert time.process_time() - started < 2  # 0.7 s; when each message copied a list, 6 s
