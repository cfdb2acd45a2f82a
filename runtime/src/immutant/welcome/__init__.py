"""The application that runs where none was given: `python -m immutant.serve immutant.welcome:app`.

Belongs here: that application, with the name that it was created by. What it does is in
`immutant.welcome.application`.
"""

import os

from immutant.welcome.application import create

__all__ = ["app"]

app = create(os.environ.get("IMMUTANT_APP", "welcome"), os.environ.get("IMMUTANT_NAMESPACE", ""))
