@echo off
rem What the tasks of create-tasks.cmd start: octane-flows-task.cmd run, nightly or weekly.
set "OCTANE_CONFIG=C:\octane-flows\octane-flows.toml"
set "OCTANE_CLIENT_SECRET_FILE=C:\octane-flows\client-secret"
set "OCTANE_HOME=C:\octane-flows\data"
set "PYTHONUTF8=1"
set "PATH=C:\octane-flows\venv\Scripts;%PATH%"
set "LOG=C:\octane-flows\logs\%1.log"
cd /d C:\octane-flows
rem A log of more than 10 MB is put aside; the one before it goes.
if exist "%LOG%" for %%F in ("%LOG%") do if %%~zF gtr 10000000 move /y "%LOG%" "%LOG%.old" >nul
echo %DATE% %TIME% >>"%LOG%"
if "%1"=="run" (octane-flows run --wait 600) >>"%LOG%" 2>&1
if "%1"=="nightly" (octane-flows census --wait 3600 && octane-flows build && octane-flows verify --accept-changes) >>"%LOG%" 2>&1
if "%1"=="weekly" (octane-flows sweep --wait 3600 && octane-flows build && octane-flows compact --wait 3600 && octane-flows expire --keep 200 --wait 3600) >>"%LOG%" 2>&1
exit /b %ERRORLEVEL%
