"""The way in is open to one address, for as long as a run of that address lives."""

import datetime
import http.server
import threading

import pytest

from remote import network, tags
from remote.errors import Busy, NotFound, TimedOut, Usage
from remote.tags import filters, tags_of

HERE = "203.0.113.7/32"
THERE = "198.51.100.9/32"
PAST = "2020-01-01T00:00:00Z"


@pytest.fixture
def group(ec2, run_tags):
    return network.ensure_group(ec2, None, run_tags())


def addresses(ec2, group_id):
    return sorted(rule["CidrIpv4"] for rule in network.ssh_rules(ec2, group_id))


def test_a_group_is_made_once_per_vpc_and_lets_nobody_in(ec2, run_tags, group):
    assert network.ensure_group(ec2, None, run_tags("unet-20260101-120000-ffff")) == group
    assert network.ssh_rules(ec2, group) == []
    other_vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    assert network.ensure_group(ec2, other_vpc, run_tags()) != group


def test_the_group_carries_no_single_runs_tags(ec2, group):
    carried = tags_of(ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0])
    assert carried == {tags.MANAGED: "true", tags.OWNER: "ada"}


def test_an_account_without_a_default_vpc_is_told_how_to_make_one(ec2, run_tags):
    vpc = ec2.describe_vpcs(Filters=filters({"is-default": "true"}))["Vpcs"][0]["VpcId"]
    for subnet in ec2.describe_subnets(Filters=filters({"vpc-id": vpc}))["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc)
    with pytest.raises(NotFound, match="aws ec2 create-default-vpc --region us-east-1"):
        network.ensure_group(ec2, None, run_tags())


def test_a_group_of_somebody_else_by_that_name_is_not_opened(ec2, run_tags):
    vpc = ec2.describe_vpcs(Filters=filters({"is-default": "true"}))["Vpcs"][0]["VpcId"]
    ec2.create_security_group(GroupName="gpu-jobs", Description="mine", VpcId=vpc)
    with pytest.raises(Busy, match="did not make"):
        network.ensure_group(ec2, None, run_tags())


def test_opening_twice_is_opening_once(ec2, run_tags, group):
    first = network.open_ssh(ec2, group, HERE, run_tags())
    assert network.open_ssh(ec2, group, HERE, run_tags()) == first
    assert addresses(ec2, group) == [HERE]
    assert tags_of(network.ssh_rules(ec2, group)[0])[tags.MANAGED] == "true"


def test_two_runs_of_one_address_share_a_rule_until_the_last_ends(ec2, run_tags, group):
    one, two = run_tags("a-20260101-120000-0001"), run_tags("b-20260101-120000-0002")
    assert network.open_ssh(ec2, group, HERE, one) == network.open_ssh(ec2, group, HERE, two)
    network.close_ssh(ec2, group, one[tags.RUN])
    assert addresses(ec2, group) == [HERE]
    network.close_ssh(ec2, group, two[tags.RUN])
    assert addresses(ec2, group) == []


def test_a_dead_runs_hold_on_a_rule_ends_at_its_deadline(ec2, run_tags, group):
    dead, alive = run_tags("a-20260101-120000-0001", deadline=PAST), run_tags("b-20260101-120000-0002")
    network.open_ssh(ec2, group, HERE, dead)
    network.open_ssh(ec2, group, HERE, alive)
    network.close_ssh(ec2, group, alive[tags.RUN])
    assert addresses(ec2, group) == []


@pytest.mark.parametrize(("deadline", "held"), [(PAST, 1), ("2099-01-01T00:00:00Z", 48)])
def test_more_runs_than_a_rule_takes_tags_share_it_all_the_same(ec2, run_tags, group, deadline, held):
    users = [run_tags(f"a-20260101-120000-{number:04x}", deadline=deadline) for number in range(60)]
    for carried in [*users, run_tags("b-20260101-120000-0002", deadline="2099-01-01T00:00:00Z")]:
        network.open_ssh(ec2, group, HERE, carried)
    (rule,) = network.ssh_rules(ec2, group)
    assert len([key for key in tags_of(rule) if key.startswith(tags.USER)]) == held
    for carried in [*users, run_tags("b-20260101-120000-0002")]:
        network.close_ssh(ec2, group, carried[tags.RUN])
    assert addresses(ec2, group) == []


def test_closing_touches_only_the_rules_of_that_run(ec2, run_tags, group):
    one, two = run_tags("a-20260101-120000-0001"), run_tags("b-20260101-120000-0002")
    network.open_ssh(ec2, group, HERE, one)
    network.open_ssh(ec2, group, THERE, two)
    network.open_ssh(ec2, group, "192.0.2.0/24", one)  # its address changed
    network.close_ssh(ec2, group, one[tags.RUN])
    assert addresses(ec2, group) == [THERE]


def test_closing_twice_or_with_the_group_gone_is_fine(ec2, run_tags, group):
    network.open_ssh(ec2, group, HERE, run_tags())
    for _ in range(2):
        network.close_ssh(ec2, group, run_tags()[tags.RUN])
    ec2.delete_security_group(GroupId=group)
    network.close_ssh(ec2, group, run_tags()[tags.RUN])


def test_a_rule_added_by_hand_is_used_and_left(ec2, run_tags, group):
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=HERE)
    network.open_ssh(ec2, group, HERE, run_tags())
    network.close_ssh(ec2, group, run_tags()[tags.RUN])
    assert addresses(ec2, group) == [HERE]


def test_a_rule_withdrawn_while_a_run_joins_it_is_made_anew(ec2, run_tags, group, refuse):
    refuse(ec2, "AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate")  # but then it is not there any more
    network.open_ssh(ec2, group, HERE, run_tags())
    assert addresses(ec2, group) == [HERE]


def test_a_network_of_ipv6_can_be_given(ec2, run_tags, group):
    network.open_ssh(ec2, group, "2001:db8::/64", run_tags())
    assert network.ssh_rules(ec2, group)[0]["CidrIpv6"] == "2001:db8::/64"


def test_runs_that_hold_a_rule_are_counted_by_their_deadlines():
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    held = {tags.USER + "old": PAST, tags.USER + "new": "2026-01-02T00:00:00Z", tags.USER + "odd": "someday"}
    assert network.living_users({"Tags": tags.tag_list(held)}, now) == ["new", "odd"]


@pytest.fixture
def answering():
    """answering(body, status) -> the URL of a service that says that."""
    servers = []

    def start(body, status=200):
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield start
    for server in servers:
        server.shutdown()


def test_the_callers_address_comes_from_the_address_service(answering):
    assert network.caller_cidr("", answering(b"203.0.113.7\n")) == HERE


def test_a_given_network_wins_and_asks_nobody():
    assert network.caller_cidr("10.1.2.3/8", "http://127.0.0.1:1/") == "10.0.0.0/8"
    assert network.caller_cidr("203.0.113.7", "http://127.0.0.1:1/") == HERE


@pytest.mark.parametrize("body, status", [(b"<html>hello</html>", 200), (b"", 200), (b"busy", 503)])
def test_a_useless_answer_asks_for_the_network(answering, body, status):
    with pytest.raises((Usage, TimedOut), match="--ssh-cidr"):
        network.caller_cidr("", answering(body, status))


def test_a_service_that_does_not_answer_is_given_up_on():
    with pytest.raises(TimedOut, match="--ssh-cidr"):
        network.caller_cidr("", "http://127.0.0.1:1/", timeout_s=1)


def test_only_the_web_is_asked_for_the_address(tmp_path):
    with pytest.raises(Usage, match="http"):
        network.caller_cidr("", (tmp_path / "address").as_uri())
