"""Security groups: who may reach a port of an instance. Every caller is 127.0.0.1 here, and its /32 must be let in."""

import ipaddress

CALLER = ipaddress.ip_address("127.0.0.1")


def admits(instance, port):
    """True if a rule of one of the instance's security groups lets the caller reach the TCP port."""
    groups = set(instance.security_groups)
    for card in instance.nics.values():
        groups |= set(card.group_set)
    return any(_matches(rule, port) for group in groups for rule in group.ingress_rules)


def _matches(rule, port):
    network = (rule.ip_range or {}).get("CidrIp")
    if not network or CALLER not in ipaddress.ip_network(network, strict=False):
        return False
    if str(rule.ip_protocol) == "-1":
        return True
    return rule.ip_protocol == "tcp" and int(rule.from_port) <= port <= int(rule.to_port)
