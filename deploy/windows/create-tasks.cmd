@echo off
rem Run once as an administrator. /ru asks for the password of the account that runs the tasks.
schtasks /create /tn "octane-flows\run" /tr "C:\octane-flows\octane-flows-task.cmd run" /sc weekly /d MON,TUE,WED,THU,FRI /st 06:00 /ri 60 /du 15:00 /ru octane /rp *
schtasks /create /tn "octane-flows\nightly" /tr "C:\octane-flows\octane-flows-task.cmd nightly" /sc daily /st 21:30 /ru octane /rp *
schtasks /create /tn "octane-flows\weekly" /tr "C:\octane-flows\octane-flows-task.cmd weekly" /sc weekly /d SUN /st 03:30 /ru octane /rp *
