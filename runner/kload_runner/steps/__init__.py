"""What a virtual user does in steps: a program of the spec becomes one generated coroutine per scenario.

state        what expressions read
rendering    requests: fixed parts once, varying parts per iteration (bodies, urls, fields)
generator    Program -> source -> coroutine (flow: branches and loops; source; reads)
runtime      what the generated code calls
instruments  the seam to whoever measures
outcomes     how an iteration can end early
"""
