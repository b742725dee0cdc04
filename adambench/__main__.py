"""`python -m adambench`: the same as the command `adambench`."""

from adambench.cli import main

if __name__ == "__main__":
    main()
