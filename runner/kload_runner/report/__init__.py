"""A finished run as people and pipelines read it. Every form is written from the result document and nothing else.

view       the rows every form shows, so that all show the same digits
terminal   the summary after a run           html      one self-contained page
markdown   for a pull request or a job page  junit     for CI
"""
