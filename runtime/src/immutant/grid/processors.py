"""What a member does to an entry in one step, where Hazelcast's own operations need two.

Belongs here: the requests as they travel. Their twins are images/member's CompareAndSwap and
Identified; the numbers are theirs.
"""

from hazelcast.serialization.api import (
    IdentifiedDataSerializable,
    ObjectDataInput,
    ObjectDataOutput,
)

__all__ = ["CompareAndSwap"]


class CompareAndSwap(IdentifiedDataSerializable):
    """Replaces the value if it is the expected one, and begins its new time to live.

    Hazelcast's own replace knows no time to live, and one that is set after it may hit the value
    of another writer, which then ends before its time.
    """

    def __init__(self, expected: bytearray, wanted: bytearray, milliseconds: int) -> None:
        """Ask for a swap.

        Args:
            expected: The value that has to be there.
            wanted: The new value.
            milliseconds: Its time to live; 0: for ever.
        """
        self._expected = expected
        self._wanted = wanted
        self._milliseconds = milliseconds

    def write_data(self, object_data_output: ObjectDataOutput) -> None:
        object_data_output.write_byte_array(self._expected)
        object_data_output.write_byte_array(self._wanted)
        object_data_output.write_long(self._milliseconds)

    def read_data(self, object_data_input: ObjectDataInput) -> None:
        raise NotImplementedError("it only travels to members")

    def get_factory_id(self) -> int:
        return 41

    def get_class_id(self) -> int:
        return 1
