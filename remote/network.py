"""Who may reach an instance: one security group, closed but for the callers' own addresses.

AWS keeps a rule (protocol, port, address) once in a group, so runs started from one address share one. Each run
writes itself on the rule as a tag of its own with its deadline, and wipes it off at the end; whoever wipes off the last
living one withdraws the rule. A run that died without doing so stops counting at its deadline, and `reap` withdraws.

AWS has no lock here: a rule can be withdrawn in the instant in which another run joins it. `open_ssh` may be repeated
at any time and mends that; call it again when an instance that answered no longer does, as after a change of address.
"""

import datetime
import ipaddress
import urllib.parse
import urllib.request

from botocore.exceptions import ClientError

from remote import tags as tagging
from remote.errors import Busy, NotFound, TimedOut, Usage
from remote.explain import code_of
from remote.tags import filters, tag_list, tag_specifications, tags_of

GROUP = "gpu-jobs"
SSH_PORT = 22
TRIES = 3  # a rule or group can vanish between two calls when another run ends
LONGEST_ANSWER = 64  # characters; an address has 45 at most
GONE = ("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound", "InvalidGroup.NotFound", "InvalidID")


def caller_cidr(ssh_cidr, address_url, timeout_s=5):
    """The network that may reach port 22: the setting, or this machine's public address as "a.b.c.d/32".

    address_url: answers with the address as plain text. Raises TimedOut when it does not, Usage for a wrong network.
    """
    if ssh_cidr:
        return _network(ssh_cidr, "Setting ssh_cidr")
    if urllib.parse.urlsplit(address_url).scheme not in ("http", "https"):
        raise Usage(f"Setting address_url expects http://... or https://..., got {address_url!r}.")
    try:
        with urllib.request.urlopen(address_url, timeout=timeout_s) as reply:
            answer = reply.read(LONGEST_ANSWER).decode("ascii", "replace").strip()
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise TimedOut(f"{address_url} did not tell this machine's address: {reason}. {SAY_CIDR}") from None
    return _network(answer, f"The answer of {address_url}")


SAY_CIDR = "Give it: --ssh-cidr 203.0.113.7/32"


def _network(text, what):
    """text as AWS writes a network. Raises Usage."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise Usage(f"{what} was expected to be an address or network, got {text!r}. {SAY_CIDR}") from None


def ensure_group(ec2, vpc_id, tags):
    """The id of the VPC's group `gpu-jobs`, made if need be; nothing may enter until open_ssh.

    vpc_id: None for the default VPC. tags: the run's; the group, being shared, takes the owner's only.
    Raises NotFound when there is no default VPC, Busy when the name is taken by a group that the tool didn't make.
    """
    vpc_id = vpc_id or _default_vpc(ec2)
    found = _group(ec2, vpc_id)
    if found:
        return found
    try:
        return ec2.create_security_group(**group_request(vpc_id, tags))["GroupId"]
    except ClientError as error:
        if code_of(error) != "InvalidGroup.Duplicate":
            raise
    found = _group(ec2, vpc_id)  # another run was quicker
    if not found:
        raise Busy(f"{vpc_id} has a security group {GROUP} that this tool did not make. Rename or delete it.")
    return found


def group_request(vpc_id, tags):
    """Arguments of create_security_group."""
    return {
        "GroupName": GROUP,
        "Description": "ec2-gpu-jobs: SSH from the callers' addresses while their runs last",
        "VpcId": vpc_id,
        "TagSpecifications": tag_specifications(tagging.shared(tags), "security-group"),
    }


def _default_vpc(ec2):
    """The id of the default VPC. Raises NotFound."""
    vpcs = ec2.describe_vpcs(Filters=filters({"is-default": "true"}))["Vpcs"]
    if not vpcs:
        region = ec2.meta.region_name
        raise NotFound(
            f"This account has no default VPC in {region}. Make one: aws ec2 create-default-vpc --region {region}"
        )
    return vpcs[0]["VpcId"]


def _group(ec2, vpc_id):
    """The id of the group that the tool made in that VPC, or None."""
    wanted = filters({"group-name": GROUP, "vpc-id": vpc_id, f"tag:{tagging.MANAGED}": "true"})
    groups = ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]
    return groups[0]["GroupId"] if groups else None


def open_ssh(ec2, group_id, cidr, tags):
    """Let `cidr` reach port 22 for the run in `tags`; its rule's id, "sgr-...". May be repeated.

    tags: the run's, with RUN and DEADLINE. Raises Busy when other runs keep withdrawing the rule meanwhile.
    """
    use = {tagging.USER + tags[tagging.RUN]: tags[tagging.DEADLINE]}
    for _ in range(TRIES):
        rule_id = _new_rule(ec2, rule_request(group_id, cidr, tags, use)) or _join_rule(ec2, group_id, cidr, use)
        if rule_id:
            return rule_id
    raise Busy(f"The rule for {cidr} in {group_id} was withdrawn {TRIES} times while this run opened it. Try again.")


def rule_request(group_id, cidr, tags, use):
    """Arguments of authorize_security_group_ingress. use: the tag by which this run holds the rule."""
    ranges = {"IpRanges": [{"CidrIp": cidr}]} if ":" not in cidr else {"Ipv6Ranges": [{"CidrIpv6": cidr}]}
    return {
        "GroupId": group_id,
        "IpPermissions": [{"IpProtocol": "tcp", "FromPort": SSH_PORT, "ToPort": SSH_PORT, **ranges}],
        "TagSpecifications": tag_specifications(tagging.shared(tags) | use, "security-group-rule"),
    }


def _new_rule(ec2, request):
    """The id of the rule made, or None when the group has it already."""
    try:
        return ec2.authorize_security_group_ingress(**request)["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    except ClientError as error:
        if code_of(error) == "InvalidPermission.Duplicate":
            return None
        raise


def _join_rule(ec2, group_id, cidr, use):
    """The id of the existing rule, held by this run as well; None when it has been withdrawn meanwhile."""
    for rule in ssh_rules(ec2, group_id):
        if cidr in (rule.get("CidrIpv4"), rule.get("CidrIpv6")):
            return rule["SecurityGroupRuleId"] if _hold(ec2, rule, use) else None
    return None


def _hold(ec2, rule, use):
    """Write a run on a rule: whether that is still there. A rule takes 50 tags; runs past their deadline make room.

    With 48 that live, the next one shares the rule unnamed: should it be withdrawn first, open_ssh brings it back.
    """
    resources = [rule["SecurityGroupRuleId"]]
    living = living_users(rule, datetime.datetime.now(datetime.UTC))
    users = [key for key in tags_of(rule) if key.startswith(tagging.USER)]
    over = [{"Key": key} for key in users if key.removeprefix(tagging.USER) not in living]
    if over:
        _unless_gone(ec2.delete_tags, Resources=resources, Tags=over)
    try:
        return _unless_gone(ec2.create_tags, Resources=resources, Tags=tag_list(use))
    except ClientError as error:
        if code_of(error) == "TagLimitExceeded":
            return True
        raise


def close_ssh(ec2, group_id, run_id):
    """Wipe the run off every rule of the group, and withdraw those that no other run still needs. May be repeated.

    Those too off which a run has been wiped by a command that was stopped before it could withdraw them.
    """
    tag, now = tagging.USER + run_id, datetime.datetime.now(datetime.UTC)
    for rule in ssh_rules(ec2, group_id):
        held = tag in tags_of(rule)
        if held:
            _unless_gone(ec2.delete_tags, Resources=[rule["SecurityGroupRuleId"]], Tags=[{"Key": tag}])
        if held or not living_users(rule, now):
            withdraw_unused(ec2, rule["SecurityGroupRuleId"])


def withdraw_unused(ec2, rule_id):
    """Withdraw a rule unless a run that is still within its deadline holds it; read anew, for two may end at once.

    A rule that somebody added by hand stays, even if runs have joined it.
    """
    now = datetime.datetime.now(datetime.UTC)
    for rule in _rules(ec2, {"security-group-rule-id": rule_id}):
        if tagging.MANAGED in tags_of(rule) and not living_users(rule, now):
            request = {"GroupId": rule["GroupId"], "SecurityGroupRuleIds": [rule_id]}
            _unless_gone(ec2.revoke_security_group_ingress, **request)


def living_users(rule, now):
    """The ids of the runs that hold a rule and are within their deadline. A deadline that can't be read is alive."""
    users = {key.removeprefix(tagging.USER): end for key, end in tags_of(rule).items() if key.startswith(tagging.USER)}
    return [run_id for run_id, end in users.items() if (tagging.moment(end) or now) >= now]


def ssh_rules(ec2, group_id):
    """The group's rules that let somebody in on port 22, as AWS describes them; [] when the group is gone."""
    rules = _rules(ec2, {"group-id": group_id})
    return [rule for rule in rules if not rule["IsEgress"] and rule.get("FromPort") == SSH_PORT]


def _rules(ec2, wanted):
    """The rules that match, as AWS describes them. wanted: as for filters()."""
    pages = ec2.get_paginator("describe_security_group_rules").paginate(Filters=filters(wanted))
    return [rule for page in pages for rule in page["SecurityGroupRules"]]


def _unless_gone(call, **request):
    """Send a request about something that another run may have removed: whether it was still there."""
    try:
        call(**request)
    except ClientError as error:
        if code_of(error) in GONE:
            return False
        raise
    return True
