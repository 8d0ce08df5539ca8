"""The faults by what is harmed. Each runs one trial; as a control it runs the same with builds that lack a protection."""

#: Killing is what an out-of-memory killer does. What a disk does when the power goes is another matter.
KILLED = "Killing a process says nothing about power loss."
