Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

%METRICS%
function Get-BackupDrive {
    # Returns the drive letter of the backup volume; formats a new one, and never a disk that has a partition.
    $label = 'ShellAccessBackup'
    $volume = @(Get-Volume | Where-Object { $_.FileSystemLabel -eq $label })
    if ($volume.Count -gt 1) {
        throw "several volumes have the label $label"
    }
    if ($volume.Count -eq 1) {
        return [string] $volume[0].DriveLetter
    }
    $tool = Join-Path $env:ProgramData 'Amazon\Tools\ebsnvme-id.exe'
    if (-not (Test-Path -LiteralPath $tool)) {
        throw "there is no $tool, which names the EBS volume of a disk"
    }
    foreach ($disk in @(Get-Disk | Where-Object { $_.PartitionStyle -eq 'RAW' })) {
        $about = (& $tool $disk.Number | Out-String)
        if ($about -notmatch '\b%DEVICE%\b') {
            continue
        }
        if ($disk.IsOffline) {
            Set-Disk -Number $disk.Number -IsOffline $false
        }
        if ($disk.IsReadOnly) {
            Set-Disk -Number $disk.Number -IsReadOnly $false
        }
        Initialize-Disk -Number $disk.Number -PartitionStyle 'GPT'
        $partition = New-Partition -DiskNumber $disk.Number -UseMaximumSize -AssignDriveLetter
        $null = Format-Volume -Partition $partition -FileSystem 'NTFS' -NewFileSystemLabel $label -Confirm:$false
        return [string] $partition.DriveLetter
    }
    throw 'there is no empty disk at %DEVICE%, and no volume with the label of the backup volume'
}

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
$drive = Get-BackupDrive
Invoke-Backup -Arguments 'start', 'systemstatebackup', "-backupTarget:${drive}:", '-quiet'
Invoke-Backup -Arguments 'delete', 'systemstatebackup', '-keepVersions:%KEEP%', '-quiet'

# The copy, which no principal can change or delete before its retention ends.
$folder = "${drive}:\WindowsImageBackup\$env:COMPUTERNAME"
if (-not (Test-Path -LiteralPath $folder)) {
    throw "wbadmin left no $folder"
}
if (-not (Get-Command -Name 'Write-S3Object' -ErrorAction SilentlyContinue)) {
    $module = @('AWS.Tools.S3', 'AWSPowerShell.NetCore', 'AWSPowerShell') |
        Where-Object { Get-Module -ListAvailable -Name $_ } | Select-Object -First 1
    if (-not $module) {
        throw 'The AWS Tools for PowerShell are not installed'
    }
    Import-Module -Name $module
}
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
