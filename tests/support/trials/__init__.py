"""LoadTests tried out in a real cluster: what they are made of, what they hit, who runs them, what is seen of them.

load_tests       manifests of small LoadTests
target_server    the program of the counting target; runs in a pod, knows nothing of this package
counting_target  the target as pod and service, and what it counted
operators        the operator as a process of this machine, with rights of its own; killed at will
observing        status of a LoadTest, and the waiting for it
"""
