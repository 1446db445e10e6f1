Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

%INSTANCE%
%METRICS%
%DISKS%
function Invoke-Backup {
    # Runs wbadmin and throws its output if it fails.
    param([string[]] $Arguments)
    $before = $ErrorActionPreference
    $ErrorActionPreference = 'Continue'
    $output = @(& (Join-Path $env:SystemRoot 'System32\wbadmin.exe') @Arguments 2>&1 | ForEach-Object { "$_" })
    $code = $LASTEXITCODE
    $ErrorActionPreference = $before
    if ($code -ne 0) {
        throw "wbadmin $($Arguments -join ' '): exit code ${code}: $($output -join ' ')"
    }
}

$feature = Get-WindowsFeature -Name 'Windows-Server-Backup'
if (-not $feature.Installed) {
    $null = Install-WindowsFeature -Name 'Windows-Server-Backup'
}
$drive = Get-DataDrive -Device '%DEVICE%' -Label 'ShellAccessBackup'
Invoke-Backup -Arguments 'start', 'systemstatebackup', "-backupTarget:${drive}:", '-quiet'
Invoke-Backup -Arguments 'delete', 'systemstatebackup', '-keepVersions:%KEEP%', '-quiet'

# The copy, which no principal can change or delete before its retention ends.
$folder = "${drive}:\WindowsImageBackup\$env:COMPUTERNAME"
if (-not (Test-Path -LiteralPath $folder)) {
    throw "wbadmin left no $folder"
}
Import-AwsTool -Command 'Write-S3Object' -Module 'AWS.Tools.S3'
$time = [datetime]::UtcNow.ToString('yyyyMMddTHHmmssZ')
$identity = Get-Identity
$prefix = "$($identity.accountId)/$($identity.region)/$env:COMPUTERNAME/$time"
$options = @{
    ServerSideEncryption                        = 'aws:kms'
    ServerSideEncryptionKeyManagementServiceKeyId = '%KEY%'
    ChecksumAlgorithm                           = 'CRC32'
}
Write-S3Object -BucketName '%BUCKET%' -Region $identity.region -KeyPrefix $prefix -Folder $folder -Recurse @options
Send-Metric -Name 'Backups' -Value 1
Write-Output "The system state is on ${drive}: and below s3://%BUCKET%/$prefix"
