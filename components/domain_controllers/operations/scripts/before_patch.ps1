Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

%FUNCTIONS%
%OTHERS%
# A controller is patched only while it and all others of its domain are well.
$limits = @{ ReplicationHours = %REPLICATION_HOURS%; OffsetSeconds = %OFFSET_SECONDS%; FreePercent = %FREE_PERCENT% }
$problems = @(Get-ControllerProblem -Limits $limits) + @(Get-OtherProblem)
$problems | ForEach-Object { Write-Output $_ }
if ($problems.Count -gt 0) {
    throw "$($problems.Count) problems: this controller is not patched"
}
Get-RoleName | ForEach-Object { Write-Output "It holds the role $_" }
Write-Output 'This controller and the others of its domain are well.'
