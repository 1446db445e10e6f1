function Get-CurrentDomain {
    [System.DirectoryServices.ActiveDirectory.Domain]::GetComputerDomain()
}

function Get-OtherProblem {
    # Problems of the other controllers of the domain, as this one sees them; without another one there is no service meanwhile.
    try {
        $own = [System.Net.Dns]::GetHostEntry($env:COMPUTERNAME).HostName
        $names = @((Get-CurrentDomain).DomainControllers | ForEach-Object { $_.Name } | Where-Object { $_ -ne $own })
        if ($names.Count -eq 0) {
            'others: this is the only controller of the domain'
        }
        foreach ($name in $names) {
            Get-DiagnosisProblem -Server $name -Tests 'Connectivity', 'Advertising', 'NetLogons', 'Services', 'Replications'
        }
    } catch {
        "others: the check failed: $($_.Exception.Message)"
    }
}

function Get-RoleName {
    # Operations master roles of the domain and the forest that this controller holds.
    $own = [System.Net.Dns]::GetHostEntry($env:COMPUTERNAME).HostName
    $domain = Get-CurrentDomain
    $holders = [ordered] @{
        'PDC emulator'          = $domain.PdcRoleOwner.Name
        'RID master'            = $domain.RidRoleOwner.Name
        'infrastructure master' = $domain.InfrastructureRoleOwner.Name
        'schema master'         = $domain.Forest.SchemaRoleOwner.Name
        'domain naming master'  = $domain.Forest.NamingRoleOwner.Name
    }
    foreach ($role in $holders.Keys) {
        if ($holders[$role] -eq $own) {
            $role
        }
    }
}
