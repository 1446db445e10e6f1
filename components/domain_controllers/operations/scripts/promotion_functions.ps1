# Where a promotion is that a restart interrupted. What the server is comes from Windows, never from this key.
$progress = 'HKLM:\SOFTWARE\ShellAccess\Promotion'

function Start-Progress {
    if (-not (Test-Path -LiteralPath $progress)) {
        $null = New-Item -Path $progress -Force
    }
}

function Restart-Server {
    # Ends the run with the code on which SSM Agent restarts the server and runs the document again.
    param([string] $Reason)
    Start-Progress
    $restarts = (Get-Item -LiteralPath $progress).GetValue('Restarts', 0) + 1
    if ($restarts -gt 5) {
        throw "$Reason, after 5 restarts already: look at the event logs, then delete the registry key $progress"
    }
    $null = New-ItemProperty -LiteralPath $progress -Name 'Restarts' -PropertyType 'DWord' -Value $restarts -Force
    Write-Output "${Reason}: restarting."
    exit 3010
}

function Get-ServerState {
    # 'controller', 'server', 'pending' (a controller from the next start on) or 'member' of a domain.
    param([string] $Domain)
    $type = (Get-ItemProperty -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Control\ProductOptions').ProductType
    $computer = Get-CimInstance -ClassName 'Win32_ComputerSystem'
    # 4, 5: backup and primary domain controller; 3: member server (Microsoft, Win32_ComputerSystem, DomainRole).
    if ($computer.DomainRole -ge 4) {
        if ($computer.Domain -ne $Domain) {
            throw "this is a domain controller of $($computer.Domain), not of ${Domain}: nothing was changed"
        }
        return 'controller'
    }
    if ($type -eq 'LanmanNT') {
        return 'pending'
    }
    if ($computer.DomainRole -eq 3) {
        if ($computer.Domain -ne $Domain) {
            throw "this is a member of $($computer.Domain), not of ${Domain}: nothing was changed"
        }
        return 'member'
    }
    'server'
}

function Get-AddressProblem {
    # EC2 reserves the primary private address as long as the instance exists; any other one is not static.
    param([string] $Reserved)
    $found = @(Get-NetIPAddress -AddressFamily 'IPv4' | ForEach-Object { $_.IPAddress } |
            Where-Object { ($_ -notlike '127.*') -and ($_ -notlike '169.254.*') })
    if (($found.Count -ne 1) -or ($found[0] -ne $Reserved)) {
        "address: expected only $Reserved, which EC2 reserves for this instance, got $($found -join ', ')"
    }
}

function Test-Port {
    param([string] $Address, [int] $Port)
    $client = New-Object -TypeName 'System.Net.Sockets.TcpClient'
    try {
        $client.ConnectAsync($Address, $Port).Wait(5000)
    } catch {
        $false
    } finally {
        $client.Dispose()
    }
}

function Get-PartnerProblem {
    # One partner that answers on every port is enough.
    param([string[]] $Partners, [int[]] $Ports)
    $problems = @()
    foreach ($partner in $Partners) {
        $closed = @($Ports | Where-Object { -not (Test-Port -Address $partner -Port $_) })
        if ($closed.Count -eq 0) {
            return
        }
        $problems += "partner ${partner}: TCP $($closed -join ', ') not reachable"
    }
    $problems
}

function Get-RootProperty {
    # A property of the root of a directory, which every controller shows without a sign-in.
    param([string] $Server, [string] $Name)
    $type = [System.DirectoryServices.AuthenticationTypes]::Anonymous
    $root = New-Object -TypeName 'System.DirectoryServices.DirectoryEntry' -ArgumentList "LDAP://$Server/RootDSE", $null, $null, $type
    [string] $root.Properties[$Name].Value
}

function Get-DirectoryProblem {
    # Domain and functional levels of the partners that answer.
    param([string[]] $Partners, [string] $Domain)
    $context = ($Domain.Split('.') | ForEach-Object { "DC=$_" }) -join ','
    # Windows Server 2025 joins domains of level 7 (2016) or higher, earlier versions those of 3 (2008).
    $build = [System.Environment]::OSVersion.Version.Build
    $lowest = if ($build -ge 26100) { 7 } else { 3 }
    foreach ($partner in @($Partners | Where-Object { Test-Port -Address $_ -Port 389 })) {
        $found = Get-RootProperty -Server $partner -Name 'defaultNamingContext'
        if ($found -ne $context) {
            "partner ${partner}: expected a controller of $context, got $found"
            continue
        }
        foreach ($name in 'domainFunctionality', 'forestFunctionality') {
            $level = 0
            if (-not [int]::TryParse((Get-RootProperty -Server $partner -Name $name), [ref] $level)) {
                "partner ${partner}: its $name cannot be read"
            } elseif ($level -lt $lowest) {
                "partner ${partner}: expected $name of $lowest or higher for Windows build $build, got $level. Raise the level"
            }
        }
    }
}

function Set-DomainResolution {
    # Sends names of the domain to its controllers before this server is one; AWS' names stay with the VPC's resolver.
    param([string] $Domain, [string[]] $Servers)
    $comment = 'shell-access promotion'
    @(Get-DnsClientNrptRule | Where-Object { $_.Comment -eq $comment }) | ForEach-Object {
        Remove-DnsClientNrptRule -Name $_.Name -Force
    }
    if ($Servers.Count -gt 0) {
        $null = Add-DnsClientNrptRule -Namespace $Domain, ".$Domain" -NameServers $Servers -Comment $comment
    }
    Clear-DnsClientCache
}

function Test-DomainName {
    # Whether names of the domain's controllers can be resolved.
    param([string] $Domain)
    $name = "_ldap._tcp.dc._msdcs.$Domain"
    @(Resolve-DnsName -Name $name -Type 'SRV' -DnsOnly -ErrorAction SilentlyContinue |
            Where-Object { $_.Type -eq 'SRV' }).Count -gt 0
}

function Get-FolderProblem {
    # A volume of a former controller has its database, which is not read again.
    param([string[]] $Folders)
    foreach ($folder in $Folders) {
        if ((Test-Path -LiteralPath $folder) -and @(Get-ChildItem -LiteralPath $folder -Force).Count -gt 0) {
            "folder ${folder}: expected none, or an empty one; move away what a former controller left"
        }
    }
}

function Get-SecretCredential {
    # User name and password of a secret. The text is no argument of a command, which logs of PowerShell would have.
    param([string] $Arn, [string] $Region)
    $text = (Get-SECSecretValue -SecretId $Arn -Region $Region).SecretString
    $fields = $null
    try {
        $fields = [System.Web.Script.Serialization.JavaScriptSerializer]::new().DeserializeObject($text)
    } catch {
        # The message of the exception would quote the secret.
        $fields = $null
    }
    if (($fields -isnot [System.Collections.IDictionary]) -or -not $fields['username'] -or -not $fields['password']) {
        throw "secret ${Arn}: expected a JSON object with username and password, got something else"
    }
    $login = [System.Net.NetworkCredential]::new([string] $fields['username'], [string] $fields['password'])
    [System.Management.Automation.PSCredential]::new($login.UserName, $login.SecurePassword)
}

function Assert-Result {
    # Throws the messages of a check or an installation that did not succeed.
    param([string] $Step, [object[]] $Results)
    $failed = @($Results | Where-Object { @('Success', 'Warning') -notcontains [string] $_.Status } |
            ForEach-Object { "$($_.Status): $($_.Message)" })
    if (($Results.Count -eq 0) -or ($failed.Count -gt 0)) {
        throw "${Step}: $($failed -join '; ')"
    }
}

function Set-FixedPort {
    # Fixed RPC ports, which count from the next start on (Microsoft KB 224196). 0: the dynamic range.
    param([int] $Replication, [int] $Netlogon)
    $services = 'HKLM:\SYSTEM\CurrentControlSet\Services'
    if ($Replication) {
        $null = New-ItemProperty -LiteralPath "$services\NTDS\Parameters" -Name 'TCP/IP Port' `
            -PropertyType 'DWord' -Value $Replication -Force
    }
    if ($Netlogon) {
        $null = New-ItemProperty -LiteralPath "$services\Netlogon\Parameters" -Name 'DCTcpipPort' `
            -PropertyType 'DWord' -Value $Netlogon -Force
    }
}

function Set-FilesPort {
    # Fixed RPC port of DFS Replication, as dfsrdiag StaticRPC sets it.
    param([int] $Port)
    $settings = Get-CimInstance -Namespace 'root\MicrosoftDFS' -ClassName 'DfsrMachineConfig'
    if ($settings.RpcPortAssignment -ne $Port) {
        Set-CimInstance -InputObject $settings -Property @{ RpcPortAssignment = [uint32] $Port }
        Restart-Service -Name 'DFSR'
    }
}

function Set-OwnResolution {
    # This controller answers names of the domain, and asks the VPC's resolver for all others, AWS' endpoints among them.
    param([string[]] $Partners, [string] $Region)
    if (@((Get-DnsServerForwarder).IPAddress | ForEach-Object { "$_" }) -notcontains '169.254.169.253') {
        Set-DnsServerForwarder -IPAddress '169.254.169.253'
    }
    $index = (Get-NetIPConfiguration | Where-Object { $_.IPv4DefaultGateway } | Select-Object -First 1).InterfaceIndex
    Set-DnsClientServerAddress -InterfaceIndex $index -ServerAddresses (@('127.0.0.1') + $Partners)
    Clear-DnsClientCache
    $endpoint = "ssm.$Region.amazonaws.com$(if ($Region -like 'cn-*') { '.cn' })"
    if (-not (Resolve-DnsName -Name $endpoint -Type 'A' -DnsOnly -ErrorAction SilentlyContinue)) {
        # Without AWS' names the agent cannot report anything any more.
        Set-DnsClientServerAddress -InterfaceIndex $index -ResetServerAddresses
        throw "DNS: this controller does not resolve $endpoint by its forwarder"
    }
}
