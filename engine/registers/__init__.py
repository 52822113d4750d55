"""
Records of registers: what a house keeps beside what runs, such as guests or beds; `deployments.registers` says which.

    records  fill in, change, archive, erase
    access   who may read and write which
"""
