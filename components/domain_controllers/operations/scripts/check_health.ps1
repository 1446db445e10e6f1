Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

%FUNCTIONS%
%INSTANCE%
%METRICS%
$limits = @{ ReplicationHours = %REPLICATION_HOURS%; OffsetSeconds = %OFFSET_SECONDS%; FreePercent = %FREE_PERCENT% }
$problems = @(Get-ControllerProblem -Limits $limits)
$problems | ForEach-Object { Write-Output $_ }
# The metric is the result: a controller with problems is no reason to leave the next one unchecked.
Send-Metric -Name 'HealthProblems' -Value $problems.Count
Write-Output "$($problems.Count) problems"
