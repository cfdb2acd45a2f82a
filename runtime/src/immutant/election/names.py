"""Names of lease records, in one place."""

__all__ = ["is_member_lease", "member_lease", "singleton_lease"]


def member_lease(app: str, member: str) -> str:
    """The member lease's name: demo-0 of demo has demo.member.0."""
    return f"{app}.member.{member.removeprefix(f'{app}-')}"


def singleton_lease(app: str, kind: str, name: str) -> str:
    """The singleton lease's name; the kind keeps a daemon named "0" apart from pod 0."""
    return f"{app}.{kind}.{name}"


def is_member_lease(app: str, name: str) -> bool:
    """Whether this is the name of one of the application's member leases."""
    return name.startswith(f"{app}.member.")
