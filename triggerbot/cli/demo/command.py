"""`triggerbot demo`: play triggerbot with a simulated CI; everything else is real."""

import click

from triggerbot.cli.demo.live import play


@click.command()
@click.option("--seconds", type=click.FloatRange(min=2), default=50.0, show_default=True, help="How long it plays.")
@click.option("--keep", is_flag=True, help="Keep its config and store afterwards, to look around in.")
@click.option("--stay", is_flag=True, help="Leave the page up at the end, to look and click around, until Ctrl-C.")
def demo(seconds: float, keep: bool, stay: bool) -> int:
    """Play triggerbot with a made-up CI on this machine.

    Pushes come in, jobs fail, triggerbot retriggers them, and tells what the runs prove. Nothing outside of this
    machine is talked to, and nothing is left behind unless you say --keep. Its page is at the address in the title.
    """
    return play(seconds=seconds, keep=keep, stay=stay)
