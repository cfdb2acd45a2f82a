"""The Secret with which an app's repository is reached, as the operator reads it.

Belongs here: reading it, and what to do where the operator may not. Not here: what its keys mean
(`immutant.gitlogin`).
"""

import base64
import binascii

from immutant.gitlogin import Login
from immutant_operator.api import Api, ApiError
from immutant_operator.errors import ForbiddenError, SourceMissingError
from immutant_operator.spec import App

__all__ = ["login"]


async def login(api: Api, app: App) -> Login:
    """The login for an app's repository; one that says nothing where the spec names no Secret.

    Raises:
        SourceMissingError: There is no such Secret, or it is not readable text.
        ForbiddenError: The operator may not read it; the text says how to let it.
        ApiError: The API server did not do its part.
    """
    git = app.spec.source.git if app.spec.source is not None else None
    if git is None or git.secret is None:
        return Login()
    name = git.secret.name
    try:
        secret = await api.find("v1", "Secret", app.namespace, name)
    except ApiError as error:
        if error.status != 403:
            raise
        raise ForbiddenError(_remedy(app, name)) from error
    if secret is None:
        raise SourceMissingError(
            f"there is no Secret {name} in namespace {app.namespace}, which spec.source.git names; "
            "create it"
        )
    try:
        data = {
            key: base64.b64decode(text).decode() for key, text in (secret.get("data") or {}).items()
        }
    except (binascii.Error, UnicodeDecodeError) as error:
        raise SourceMissingError(f"Secret {name} has a key that is no text: {error}") from error
    return Login.of(data)


def _remedy(app: App, name: str) -> str:
    return (
        f"the operator may not read Secret {name}, by which it asks the repository; let it read "
        f"this one: kubectl --namespace {app.namespace} create role {name}-reader --verb=get "
        f"--resource=secrets --resource-name={name}, and kubectl --namespace {app.namespace} "
        f"create rolebinding {name}-reader --role={name}-reader "
        "--serviceaccount=NAMESPACE-OF-THE-OPERATOR:immutant-operator; or install the chart with "
        "rbac.readSecrets=true, or write a commit's 40 digits in spec.source.git.revision"
    )
