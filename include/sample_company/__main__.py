"""`python -m include.sample_company --out FOLDER [--scale 1] [--seed N]`"""

import argparse
from pathlib import Path

from include.sample_company.assumptions import DEFAULT_SEED
from include.sample_company.generating import generate


def main() -> None:
    """Generate into a folder, with a line of progress per step."""
    parser = argparse.ArgumentParser(prog="python -m include.sample_company", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 3,000 customers and 15,000 tickets")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    chosen = parser.parse_args()
    generate(chosen.out, scale=chosen.scale, seed=chosen.seed, report=lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
