Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$configuration = @'
%CONFIGURATION%
'@
$control = Join-Path $env:ProgramFiles 'Amazon\AmazonCloudWatchAgent\amazon-cloudwatch-agent-ctl.ps1'
$applied = Join-Path $env:ProgramData 'Amazon\AmazonCloudWatchAgent\shell-access.json'
if (-not (Test-Path -LiteralPath $control)) {
    throw "The CloudWatch agent is not installed: there is no $control"
}
$current = ''
if (Test-Path -LiteralPath $applied) {
    $current = Get-Content -LiteralPath $applied -Raw
}
$service = Get-Service -Name 'AmazonCloudWatchAgent' -ErrorAction SilentlyContinue
$isRunning = ($null -ne $service) -and ($service.Status -eq 'Running')
if ($isRunning -and ($current -eq $configuration)) {
    Write-Output 'The CloudWatch agent runs with this configuration.'
    exit 0
}
# The file is in place only after the agent has taken it, so that a run that failed is repeated.
$next = "$applied.next"
Set-Content -LiteralPath $next -Value $configuration -NoNewline -Encoding ascii
& powershell.exe -NoProfile -NonInteractive -ExecutionPolicy RemoteSigned -File $control `
    -a fetch-config -m ec2 -s -c "file:$next"
if ($LASTEXITCODE -ne 0) {
    throw "The CloudWatch agent did not take the configuration: exit code $LASTEXITCODE"
}
$service = Get-Service -Name 'AmazonCloudWatchAgent'
if ($service.Status -ne 'Running') {
    throw "The CloudWatch agent is $($service.Status)"
}
Move-Item -LiteralPath $next -Destination $applied -Force
Write-Output 'The CloudWatch agent runs with the new configuration.'
