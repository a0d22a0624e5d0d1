"""What AWS charged on a given day, for when it can't be asked; and what became of the types it retired.

us-east-1, Linux, on demand, dollars an hour, from the AWS Pricing API. Whoever prints one of these says its date.
"""

import dataclasses

AS_OF = "2026-08-17"
REGION = "us-east-1"

GIB_PER = {"T4": 16, "A10G": 24, "L4": 24, "L40S": 48, "A100": 40}  # memory of one GPU, as sold


@dataclasses.dataclass(frozen=True)
class Machine:
    """An instance type of the table."""

    gpus: int
    gpu: str
    vcpus: int
    memory_gib: int
    dollars_per_hour: float

    def __str__(self):
        count = "" if self.gpus == 1 else f"{self.gpus} x "
        return f"{count}{self.gpu} {GIB_PER[self.gpu]} GB, {self.vcpus} vCPU, {self.memory_gib} GiB"


MACHINES = {
    "g4dn.xlarge": Machine(1, "T4", 4, 16, 0.526),
    "g4dn.2xlarge": Machine(1, "T4", 8, 32, 0.752),
    "g4dn.4xlarge": Machine(1, "T4", 16, 64, 1.204),
    "g4dn.12xlarge": Machine(4, "T4", 48, 192, 3.912),
    "g5.xlarge": Machine(1, "A10G", 4, 16, 1.006),
    "g5.2xlarge": Machine(1, "A10G", 8, 32, 1.212),
    "g5.12xlarge": Machine(4, "A10G", 48, 192, 5.672),
    "g5.48xlarge": Machine(8, "A10G", 192, 768, 16.288),
    "g6.xlarge": Machine(1, "L4", 4, 16, 0.8048),
    "g6.2xlarge": Machine(1, "L4", 8, 32, 0.9776),
    "g6e.xlarge": Machine(1, "L40S", 4, 32, 1.861),
    "g6e.2xlarge": Machine(1, "L40S", 8, 64, 2.24208),
    "p4d.24xlarge": Machine(8, "A100", 96, 1152, 21.957642),
}


@dataclasses.dataclass(frozen=True)
class Retired:
    """A type that AWS no longer sells: what it had, and the nearest type that it does sell."""

    had: str
    replacement: str

    def __str__(self):
        machine = MACHINES[self.replacement]
        price = f"${machine.dollars_per_hour:g}/h in {REGION} on {AS_OF}"
        return f"{self.had} -> {self.replacement} ({machine}; {price})"


# P2 and P3 went in 2024-25, G2 and G3 before or with them; AWS published no one date for all regions.
RETIRED = {
    "p2.xlarge": Retired("K80 12 GB, 4 vCPU, 61 GiB", "g4dn.xlarge"),
    "p2.8xlarge": Retired("8 x K80 12 GB, 32 vCPU, 488 GiB", "g5.12xlarge"),
    "p2.16xlarge": Retired("16 x K80 12 GB, 64 vCPU, 732 GiB", "g5.48xlarge"),
    "p3.2xlarge": Retired("V100 16 GB, 8 vCPU, 61 GiB", "g5.2xlarge"),
    "p3.8xlarge": Retired("4 x V100 16 GB, 32 vCPU, 244 GiB", "g5.12xlarge"),
    "p3.16xlarge": Retired("8 x V100 16 GB, 64 vCPU, 488 GiB", "g5.48xlarge"),
    "g2.2xlarge": Retired("K520 4 GB, 8 vCPU, 15 GiB", "g4dn.xlarge"),
    "g2.8xlarge": Retired("4 x K520 4 GB, 32 vCPU, 60 GiB", "g4dn.12xlarge"),
    "g3s.xlarge": Retired("M60 8 GB, 4 vCPU, 30.5 GiB", "g4dn.xlarge"),
    "g3.4xlarge": Retired("M60 8 GB, 16 vCPU, 122 GiB", "g4dn.4xlarge"),
    "g3.8xlarge": Retired("2 x M60 8 GB, 32 vCPU, 244 GiB", "g4dn.12xlarge"),
    "g3.16xlarge": Retired("4 x M60 8 GB, 64 vCPU, 488 GiB", "g4dn.12xlarge"),
}
