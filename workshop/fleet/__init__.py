"""An evening of many accounts: publish the stacks once, deploy them everywhere, and prove that everything is gone.

`roster.py` reads fleet.csv, `members.py` opens each attendee's account, and `everyone.py` does one thing for all of
them. `publication.py` says what is published where; `stacks.py` lets CloudFormation create, update and delete.
"""
