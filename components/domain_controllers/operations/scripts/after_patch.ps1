Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

%FUNCTIONS%
%OTHERS%
# Services start and partners replicate some time after a restart.
$limits = @{ ReplicationHours = %REPLICATION_HOURS%; OffsetSeconds = %OFFSET_SECONDS%; FreePercent = %FREE_PERCENT% }
$deadline = (Get-Date).AddMinutes(%WAIT_MINUTES%)
do {
    $problems = @(Get-ControllerProblem -Limits $limits) + @(Get-OtherProblem)
    if ($problems.Count -eq 0) {
        Write-Output 'This controller and the others of its domain are well.'
        exit 0
    }
    Start-Sleep -Seconds 60
} while ((Get-Date) -lt $deadline)
$problems | ForEach-Object { Write-Output $_ }
throw "$($problems.Count) problems after patching: no further controller is patched"
