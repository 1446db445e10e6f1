function Get-DataDrive {
    # Returns the drive letter of an EBS volume, by its label; formats a new one, and never a disk that has a partition.
    param([string] $Device, [string] $Label)
    $volume = @(Get-Volume | Where-Object { $_.FileSystemLabel -eq $Label })
    if ($volume.Count -gt 1) {
        throw "several volumes have the label $Label"
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
        if ($about -notmatch "\b$Device\b") {
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
        $null = Format-Volume -Partition $partition -FileSystem 'NTFS' -NewFileSystemLabel $Label -Confirm:$false
        return [string] $partition.DriveLetter
    }
    throw "there is no empty disk at $Device, and no volume with the label $Label"
}
