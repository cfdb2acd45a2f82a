"""From the object that the API server holds to an App.

Belongs here: the one place where an ImmutantApp's JSON is read. Not here: the fields.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from immutant.contract.timings import Timings
from immutant.errors import ConfigurationError
from immutant_operator.errors import SpecError
from immutant_operator.spec.app import App, AppSpec

__all__ = ["parse", "timings"]


def parse(body: Mapping[str, Any]) -> App:
    """The App that an object describes.

    The API server has checked most of it; an older CRD may have let more pass.

    Raises:
        SpecError: The spec cannot be meant; the text says what to write instead.
    """
    metadata = body["metadata"]
    try:
        spec = AppSpec.model_validate(body.get("spec") or {})
    except ValidationError as error:
        raise SpecError(_sentence(error)) from error
    app = App(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        spec=spec,
    )
    timings(app)
    return app


def timings(app: App) -> Timings:
    """The app's election timings.

    Raises:
        SpecError: They do not fit together.
    """
    chosen = app.spec.singletons
    try:
        return Timings.fitting(chosen.lease_duration, chosen.renew_deadline, chosen.renew_period)
    except ConfigurationError as error:
        raise SpecError(f"spec.singletons: {error}") from error


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in ("spec", *first["loc"]))
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"
