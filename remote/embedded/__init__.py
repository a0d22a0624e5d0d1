"""EC2 in a box: a real EC2 API endpoint and a real SSH host per running instance, on this machine's loopback.

    cloud = connect(Path("runs/.embedded"), "us-east-1")     # starts the server process if there is none
    ec2 = boto3.client("ec2", endpoint_url=cloud.endpoint_url, ...)

The server process ends itself when no instance is alive and nobody has asked for anything for a while; volumes and
snapshots are files in the state folder and are there again next time. Only connect, status and stop are meant for
the rest of the program; tests also use remote.embedded.orders.
"""

from remote.embedded.client import connect, status, stop

__all__ = ["connect", "status", "stop"]
