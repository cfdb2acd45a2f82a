"""`immutant run` with the stand-ins: launch.py VERSION-FILE STATE PORT [OPTIONS AS JSON]."""

import json
import sys
from pathlib import Path

from immutant.run.launcher import launch
from immutant.run.options import Options
from immutant.run.programs import Programs
from immutant.targets import Target

HERE = Path(__file__).parent


def main() -> None:
    """Launch and exit with the launcher's code."""
    version, state, port, options = sys.argv[1:]
    app = (sys.executable, str(HERE / "app.py"))
    programs = Programs(
        coordinator=(sys.executable, str(HERE / "coordinator.py")),
        app=(*app, version),
        check=(*app, "--check", version),
    )
    given = Options(
        target=Target(str(Path(version).with_name("app.py")), "app"),
        state=Path(state),
        port=int(port),
        name="demo",
        **json.loads(options),
    )
    sys.exit(launch(given, programs))


main()
