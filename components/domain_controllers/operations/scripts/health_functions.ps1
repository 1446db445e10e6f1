# Problems of this domain controller, one text each. What cannot be read is a problem, too.

function Invoke-Tool {
    # Runs a command line tool and returns its lines; standard error is among them.
    param([string] $Name, [string[]] $Arguments)
    $path = Join-Path $env:SystemRoot "System32\$Name.exe"
    if (-not (Test-Path -LiteralPath $path)) {
        throw "there is no $path"
    }
    $before = $ErrorActionPreference
    $ErrorActionPreference = 'Continue'
    try {
        @(& $path @Arguments 2>&1 | ForEach-Object { "$_".Trim() } | Where-Object { $_ })
    } finally {
        $ErrorActionPreference = $before
    }
}

function Get-ServiceProblem {
    foreach ($name in 'NTDS', 'Kdc', 'Netlogon', 'DFSR', 'W32Time', 'EventLog') {
        $service = Get-Service -Name $name -ErrorAction SilentlyContinue
        if ($null -eq $service) {
            "service ${name}: it does not exist"
        } elseif ($service.Status -ne 'Running') {
            "service ${name}: it is $($service.Status)"
        }
    }
    $dns = Get-Service -Name 'DNS' -ErrorAction SilentlyContinue
    if (($null -ne $dns) -and ($dns.Status -ne 'Running')) {
        "service DNS: it is $($dns.Status)"
    }
}

function Get-ShareProblem {
    $shares = @(Get-SmbShare | ForEach-Object { $_.Name })
    foreach ($name in 'SYSVOL', 'NETLOGON') {
        if ($shares -notcontains $name) {
            "${name}: it is not shared"
        }
    }
    $folders = @(Get-CimInstance -Namespace 'root\MicrosoftDFS' -ClassName 'DfsrReplicatedFolderInfo')
    foreach ($folder in $folders) {
        # 4: Normal (Microsoft, DfsrReplicatedFolderInfo).
        if ($folder.State -ne 4) {
            "DFS Replication of $($folder.ReplicatedFolderName): state $($folder.State)"
        }
    }
}

function Get-ReplicationProblem {
    param([int] $MaximumHours)
    $lines = Invoke-Tool -Name 'repadmin' -Arguments '/showrepl', $env:COMPUTERNAME, '/csv'
    $rows = @($lines | ConvertFrom-Csv)
    if ($rows.Count -eq 0) {
        'replication: repadmin names no partner'
    }
    foreach ($row in $rows) {
        $names = @($row.PSObject.Properties | ForEach-Object { $_.Name })
        if (($names -notcontains 'Number of Failures') -or ($names -notcontains 'Last Success Time')) {
            'replication: repadmin wrote no table'
            break
        }
        $partner = "replication of $($row.'Naming Context') from $($row.'Source DSA')"
        $failures = 0
        if (-not [int]::TryParse([string] $row.'Number of Failures', [ref] $failures)) {
            "${partner}: the number of failures is not known"
        } elseif ($failures -gt 0) {
            "${partner}: $failures failures"
        }
        $success = [datetime]::MinValue
        if (-not [datetime]::TryParse([string] $row.'Last Success Time', [ref] $success)) {
            "${partner}: it never succeeded"
        } elseif ($success -lt (Get-Date).AddHours(-$MaximumHours)) {
            "${partner}: the last success was at $success"
        }
    }
}

function Get-DiagnosisProblem {
    param([string] $Server, [string[]] $Tests)
    $arguments = @("/s:$Server", '/q') + @($Tests | ForEach-Object { "/test:$_" })
    Invoke-Tool -Name 'dcdiag' -Arguments $arguments | ForEach-Object { "dcdiag ${Server}: $_" }
}

function Get-TimeProblem {
    param([int] $MaximumSeconds)
    # The Amazon Time Sync Service; the answer is the offset of this clock.
    $lines = Invoke-Tool -Name 'w32tm' -Arguments '/stripchart', '/computer:169.254.169.123', '/samples:1', '/dataonly'
    $found = @($lines | Where-Object { $_ -match '[+-]\d+[.,]\d+s' })
    if ($found.Count -eq 0) {
        'time: the offset to the Amazon Time Sync Service is not known'
    } elseif ($found[-1] -match '[+-](\d+)[.,]\d+s') {
        if ([int] $Matches[1] -ge $MaximumSeconds) {
            "time: $($found[-1])"
        }
    }
}

function Get-DiskProblem {
    param([int] $MinimumPercent)
    $parameters = 'HKLM:\SYSTEM\CurrentControlSet\Services\NTDS\Parameters'
    foreach ($value in 'DSA Database file', 'Database log files path') {
        $path = [string] (Get-ItemProperty -LiteralPath $parameters -Name $value).$value
        $drive = $path.Substring(0, 2)
        $disk = Get-CimInstance -ClassName 'Win32_LogicalDisk' -Filter "DeviceID='$drive'"
        if ($null -eq $disk) {
            "disk ${drive}: it cannot be read"
        } else {
            $percent = [int] (100 * $disk.FreeSpace / $disk.Size)
            if ($percent -lt $MinimumPercent) {
                "disk ${drive}: $percent % free"
            }
        }
    }
}

function Get-ControllerProblem {
    # Runs every check; one that fails is a problem and does not stop the others.
    param([hashtable] $Limits)
    $checks = [ordered] @{
        services    = { Get-ServiceProblem }
        shares      = { Get-ShareProblem }
        replication = { Get-ReplicationProblem -MaximumHours $Limits.ReplicationHours }
        diagnosis   = {
            Get-DiagnosisProblem -Server $env:COMPUTERNAME -Tests 'Advertising', 'NetLogons', 'Services', 'SysVolCheck', `
                'DFSREvent', 'KnowsOfRoleHolders', 'RidManager', 'Replications'
        }
        time        = { Get-TimeProblem -MaximumSeconds $Limits.OffsetSeconds }
        disks       = { Get-DiskProblem -MinimumPercent $Limits.FreePercent }
    }
    foreach ($name in $checks.Keys) {
        try {
            & $checks[$name]
        } catch {
            "${name}: the check failed: $($_.Exception.Message)"
        }
    }
}
