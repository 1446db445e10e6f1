Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

%INSTANCE%
%DISKS%
%HEALTH%
%FUNCTIONS%
$name = '%NAME%'
$domain = '%DOMAIN%'
$siteName = '%SITE_NAME%'
$netbiosName = '%NETBIOS_NAME%'
$forestInstance = '%FOREST_INSTANCE%'
$ports = @{ Replication = %REPLICATION_PORT%; Netlogon = %NETLOGON_PORT%; Files = %FILES_PORT% }
$identity = Get-Identity
$partners = @('%PARTNERS%' -split ',' | Where-Object { $_ -ne $identity.privateIp })

$state = Get-ServerState -Domain $domain
if ($state -eq 'pending') {
    Start-Progress
    Set-FixedPort -Replication $ports.Replication -Netlogon $ports.Netlogon
    Restart-Server -Reason 'This server is a domain controller from its next start on'
}
if ($state -eq 'controller') {
    if (-not (Test-Path -LiteralPath $progress)) {
        Write-Output "This is a domain controller of $domain already: nothing was changed."
        exit 0
    }
    # What is left after the restart of a promotion by this document.
    $deadline = (Get-Date).AddMinutes(%WAIT_MINUTES%)
    do {
        Start-Sleep -Seconds 30
        $problems = @(Get-ServiceProblem) + @(Get-ShareProblem)
    } while (($problems.Count -gt 0) -and ((Get-Date) -lt $deadline))
    if ($problems.Count -gt 0) {
        $problems | ForEach-Object { Write-Output $_ }
        throw "$($problems.Count) problems after the promotion"
    }
    if ($ports.Files) {
        Set-FilesPort -Port $ports.Files
    }
    Set-OwnResolution -Partners $partners -Region $identity.region
    Set-DomainResolution -Domain $domain -Servers @()
    Remove-Item -LiteralPath $progress -Recurse
    Write-Output "This is a domain controller of $domain now."
    exit 0
}

# Checks that change nothing: each runs, and all problems are reported at once.
$createsForest = $forestInstance -ne ''
if ($createsForest -and ($forestInstance -ne $identity.instanceId)) {
    throw "newForest.instanceId: expected $($identity.instanceId), this instance, got ${forestInstance}: no forest is created"
}
$problems = @(Get-AddressProblem -Reserved $identity.privateIp) + @(Get-TimeProblem -MaximumSeconds %OFFSET_SECONDS%)
if ($createsForest) {
    if ($state -ne 'server') {
        $problems += "domain: expected a server that is in no domain, as it creates the forest of $domain"
    }
    foreach ($partner in @($partners | Where-Object { Test-Port -Address $_ -Port 389 })) {
        $problems += "partner ${partner}: it is a domain controller already, so no forest is created. Remove newForest"
    }
    if (Test-DomainName -Domain $domain) {
        $problems += "domain: $domain has domain controllers already, so no forest is created. Remove newForest"
    }
} else {
    # DNS, Kerberos, RPC, LDAP, SMB, password changes, global catalog, and the fixed port of replication.
    $required = @(53, 88, 135, 389, 445, 464, 3268) + @($ports.Replication, $ports.Netlogon | Where-Object { $_ })
    $problems += @(Get-PartnerProblem -Partners $partners -Ports $required)
    $problems += @(Get-DirectoryProblem -Partners $partners -Domain $domain)
}
if ($problems.Count -gt 0) {
    $problems | ForEach-Object { Write-Output $_ }
    throw "$($problems.Count) problems: this server is not promoted, and nothing was changed"
}

if ($env:COMPUTERNAME -ne $name) {
    if ($state -eq 'member') {
        throw "name: expected $name, got $env:COMPUTERNAME, a member of ${domain}: rename it there first"
    }
    $null = Rename-Computer -NewName $name -Force
    Restart-Server -Reason "This server has the name $name from its next start on"
}
if (-not $createsForest) {
    Set-DomainResolution -Domain $domain -Servers $partners
    if (-not (Test-DomainName -Domain $domain)) {
        throw "DNS: the partners $($partners -join ', ') name no domain controllers of $domain"
    }
}
$database = "$(Get-DataDrive -Device '%DATABASE_DEVICE%' -Label 'ShellAccessNtds'):\NTDS"
$logs = "$(Get-DataDrive -Device '%LOG_DEVICE%' -Label 'ShellAccessNtdsLogs'):\NTDS"
$sysvol = "$(Get-DataDrive -Device '%SYSVOL_DEVICE%' -Label 'ShellAccessSysvol'):\SYSVOL"
$problems = @(Get-FolderProblem -Folders $database, $logs, $sysvol)
if ($problems.Count -gt 0) {
    throw ($problems -join '; ')
}
$features = Install-WindowsFeature -Name 'AD-Domain-Services', 'DNS' -IncludeManagementTools
if (-not $features.Success) {
    throw 'the roles AD-Domain-Services and DNS could not be installed'
}
if ([string] $features.RestartNeeded -eq 'Yes') {
    Restart-Server -Reason 'The roles are installed from the next start on'
}

Import-AwsTool -Command 'Get-SECSecretValue' -Module 'AWS.Tools.SecretsManager'
Add-Type -AssemblyName 'System.Web.Extensions'
$administrator = Get-SecretCredential -Arn '%ADMINISTRATOR_ARN%' -Region $identity.region
$restoreMode = Get-SecretCredential -Arn '%RESTORE_MODE_ARN%' -Region $identity.region
$options = @{
    DomainName           = $domain
    DatabasePath         = $database
    LogPath              = $logs
    SysvolPath           = $sysvol
    InstallDns           = $true
    CreateDnsDelegation  = $false
    NoRebootOnCompletion = $true
    Force                = $true
}
$options.Add('SafeModeAdministratorPassword', $restoreMode.Password)
Start-Progress
if ($createsForest) {
    $own = Get-LocalUser | Where-Object { "$($_.SID)" -like 'S-1-5-21-*-500' }
    if ($administrator.UserName -ne $own.Name) {
        throw "secret %ADMINISTRATOR_ARN%: expected the user name $($own.Name), whose account becomes the domain's, got another one"
    }
    $options.Add('DomainNetbiosName', $netbiosName)
    Assert-Result -Step 'Check before the new forest' -Results @(Test-ADDSForestInstallation @options)
    # EC2 gave the local administrator a random password; the account becomes the administrator of the domain.
    Set-LocalUser -SID $own.SID -Password $administrator.Password
    Assert-Result -Step 'New forest' -Results @(Install-ADDSForest @options)
} else {
    $options.Add('Credential', $administrator)
    if ($siteName) {
        $options.Add('SiteName', $siteName)
    }
    Assert-Result -Step 'Check before the promotion' -Results @(Test-ADDSDomainControllerInstallation @options)
    Assert-Result -Step 'Promotion' -Results @(Install-ADDSDomainController @options)
}
Set-FixedPort -Replication $ports.Replication -Netlogon $ports.Netlogon
Restart-Server -Reason "This server is a domain controller of $domain from its next start on"
