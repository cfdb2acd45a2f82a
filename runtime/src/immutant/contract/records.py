"""Names of lease records, in one place: made, and taken apart.

Belongs here: `APP.KIND.NAME`, where the kind is member, daemon or job. Not here: how Kubernetes
objects are named for it (`immutant.kube.names`).
"""

__all__ = ["is_member_lease", "kind_and_name", "member_lease", "singleton_lease"]


def member_lease(app: str, member: str) -> str:
    """The member lease's name: demo-0 of demo has demo.member.0."""
    return f"{app}.member.{member.removeprefix(f'{app}-')}"


def singleton_lease(app: str, kind: str, name: str) -> str:
    """The singleton lease's name; the kind keeps a daemon named "0" apart from pod 0."""
    return f"{app}.{kind}.{name}"


def is_member_lease(app: str, record: str) -> bool:
    """Whether this is the name of one of the application's member leases."""
    return record.startswith(f"{app}.member.")


def kind_and_name(record: str) -> tuple[str, str]:
    """What a record is about; the name may have dots. Both are "" for what is no record's name."""
    _, kind, name = [*record.split(".", 2), "", ""][:3]
    return kind, name
