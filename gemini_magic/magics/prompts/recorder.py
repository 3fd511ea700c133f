"""Remembers what IPython forgets: the front end's cell of each run, and the last error that was none of ours.

So asking about an error works twice, also when the first answer failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.magics.cells import cell_id

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

_OURS = "gemini_magic."


class Recorder:
    """Listens to the runs of a shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        #: Number of a run → the front end's id of its cell.
        self.ids: dict[int, str] = {}
        #: The number of the run that is under way.
        self.running: int | None = None
        #: The last error, the source of the cell that failed, and its number.
        self.failed: tuple[BaseException, str, int] | None = None

    def before(self, info: ExecutionInfo) -> None:
        """Remember the cell's id."""
        if not info.store_history:
            return
        # The shell's own count is a step further in some of its versions.
        self.running = len(self._inputs)
        if identity := cell_id(self._shell):
            self.ids[self.running] = identity

    def after(self, result: ExecutionResult) -> None:
        """Remember an error."""
        stored = result.info is not None and result.info.store_history
        self.running = None if stored else self.running
        error = result.error_before_exec or result.error_in_exec
        if error is None or isinstance(error, KeyboardInterrupt | SystemExit) or is_ours(error):
            return
        source = str(result.info.raw_cell or "") if result.info is not None else ""
        self.failed = (error, source, len(self._inputs) - 1 if stored else 0)

    @property
    def _inputs(self) -> list[str]:
        history: Any = self._shell.history_manager
        inputs: list[str] = history.input_hist_raw
        return inputs


def is_ours(error: BaseException) -> bool:
    """Whether an error is one of gemini_magic's, which says by itself what to do."""
    return any(cls.__module__.startswith(_OURS) for cls in type(error).__mro__)


def install(shell: InteractiveShell) -> None:
    """Begin to listen."""
    uninstall(shell)
    recorder = Recorder(shell)
    events: Any = shell.events
    events.register("pre_run_cell", recorder.before)
    events.register("post_run_cell", recorder.after)


def uninstall(shell: InteractiveShell) -> None:
    """Listen no more."""
    events: Any = shell.events
    for name in ("pre_run_cell", "post_run_cell"):
        for callback in [one for one in events.callbacks[name] if isinstance(_owner(one), Recorder)]:
            events.unregister(name, callback)


def recorder_of(shell: Any) -> Recorder | None:  # noqa: ANN401 - IPython's shells differ
    """The recorder that listens to a shell, or None."""
    found = (_owner(one) for one in shell.events.callbacks["pre_run_cell"])
    return next((one for one in found if isinstance(one, Recorder)), None)


def _owner(callback: Any) -> object:  # noqa: ANN401 - whatever was registered
    return getattr(callback, "__self__", None)
