"""`python -m immutant` is the command `immutant`."""

from immutant.cli import main

if __name__ == "__main__":
    main()
